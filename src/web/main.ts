import { showAbout } from './about.ts'
import { Api } from './api.ts'
import { AskedInvoices, adoption, type Shown } from './asked.ts'
import { Buy } from './buy.ts'
import { Chat } from './chat.ts'
import type { Dollars } from './dollars.ts'
import { box, button, input, wireCopying } from './dom.ts'
import { Ecash } from './ecash.ts'
import { watchUpstream } from './gone.ts'
import { KeyCard } from './key-card.ts'
import { Keys } from './keys.ts'
import { Models } from './models.ts'
import type { Shop } from './shop.ts'
import { spendingKey } from './spending-key.ts'
import { UseIt } from './use.ts'
import type { Ways } from './ways.ts'

/** Null if the browser keeps nothing, as some do in private windows. */
function storage(): Storage | null {
  try {
    return window.localStorage
  } catch {
    return null
  }
}

function open(): Shop {
  const money = document.querySelector<HTMLMetaElement>('meta[name=satgate-money]')?.content
  const play = money === 'play'
  const worthless = play || money === 'test'
  const unit = worthless ? `${money} sat` : 'sat'
  box('worthless').hidden = !worthless
  box('worthless-kind').textContent = play ? 'Play money:' : 'Test money:'
  document.body.classList.toggle('is-worthless', worthless)
  for (const place of document.querySelectorAll('[data-unit]')) place.textContent = unit
  const [keys, asked] = [new Keys(storage()), new AskedInvoices(storage())]
  const randomId = () =>
    [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')
  return { api: new Api(() => Date.now()), keys, asked, play, worthless, unit, randomId }
}

function start(shop: Shop): void {
  watchUpstream(shop.api)
  const useIt = new UseIt()
  const parts: { buy: Buy | null; models: Models | null; dollars: Dollars | null } = {
    ...{ buy: null, models: null, dollars: null },
  }
  const showUse = () => {
    const key = shop.keys.current
    const model = parts.models?.chosen ?? 'MODEL'
    const baseUrl = `${location.origin}/v1`
    useIt.show(key === null ? null : { baseUrl, key: spendingKey(key), model })
    parts.dollars?.changed()
  }
  const card = new KeyCard(shop, () => {
    showUse()
    // If an invoice is open, it stays open.
    if (shop.keys.current === null && location.pathname === '/') parts.buy?.show()
  })
  const chat = new Chat({
    shop,
    model: () => parts.models?.chosen ?? null,
    pay: (payAt) => (payAt === null ? parts.buy?.start() : parts.buy?.openOwn(payAt)),
    spent: () => card.refresh(),
  })
  const paid = async (key: string | null, shown: Shown) => {
    const becomes = adoption(shown, shop.keys.all.length)
    const adopted = key !== null && (becomes !== 'ask' || (await parts.buy?.askWhose()) === true)
    if (adopted) await card.bought(key, becomes === 'keep' ? 'here' : 'link')
    else card.render()
    parts.buy?.hide()
    if (shop.keys.current === null) parts.buy?.start()
    else if (!chat.retry()) card.focus()
  }
  const buy = new Buy(
    shop,
    () => card.topUp,
    (key, shown) => void paid(key, shown),
  )
  parts.buy = buy
  parts.models = new Models(shop, () => {
    showUse()
    buy.priced(parts.models?.prices ?? [])
  })
  const ecash = new Ecash(
    shop,
    {
      invoicePath: () => buy.invoicePath,
      topUp: () => card.topUp,
      amount: () => buy.amount,
    },
    ({ key, path }) => {
      if (path !== '' && path === buy.invoicePath) buy.paidByToken(key)
      else void paid(key, { asked: true, unpaid: true })
    },
  )
  /** Its code is loaded only where dollars are taken. */
  const showDollars = async (ways: Ways) => {
    const { Dollars } = await import('./dollars.ts')
    parts.dollars = new Dollars(
      shop,
      { topUp: () => card.topUp, model: () => parts.models?.chosen ?? null },
      (key) => void paid(key, { asked: true, unpaid: true }),
    )
    parts.dollars.show(ways)
  }
  void showAbout(shop.api).then((about) => {
    buy.told(about)
    ecash.show(about.mints)
    if (about.ways.dollars !== null) void showDollars(about.ways)
  })
  button('top-up').addEventListener('click', () => buy.toggle())
  card.render()
  if (location.pathname !== '/') buy.open(`${location.pathname}${location.search}`)
  else if (shop.keys.current !== null) buy.hide()
  // Another tab bought or forgot a key.
  addEventListener('storage', () => {
    shop.keys.read()
    if (shop.keys.current !== input('key').value) card.render()
  })
}

wireCopying()
start(open())

import { describe, expect, it } from 'vitest'
import { type Terms, UNKNOWN_TERMS } from '../../../../src/dialects/dialect.ts'
import { openaiChat } from '../../../../src/dialects/openai/chat.ts'
import { openaiEmbeddings } from '../../../../src/dialects/openai/embeddings.ts'
import { HEAD } from '../../../support/dialects.ts'
import { dataUrl, mp3, png, wav } from '../../../support/pictures.ts'

const picture = (url: string, more: object = {}) => ({
  type: 'image_url',
  image_url: { url, ...more },
})
const sound = (bytes: Buffer, format: string, more: object = {}) => ({
  type: 'input_audio',
  input_audio: { data: bytes.toString('base64'), format, ...more },
})
const SCREEN = dataUrl(png([1_920, 1_080]))
const TEXT = { type: 'text', text: 'What is this?' }

const read = (content: unknown, terms: Terms = UNKNOWN_TERMS) =>
  openaiChat.read(
    Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] })),
    HEAD,
    terms,
  )

const asked = (content: unknown, terms?: Terms) => {
  const result = read(content, terms)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

describe('A7 pictures and sound in a chat are input', () => {
  const without = asked([TEXT])

  it.each([
    ['a picture', [TEXT, picture(SCREEN)], 7_560],
    ['a picture in low detail', [TEXT, picture(SCREEN, { detail: 'low' })], 7_560],
    ['a picture as Mistral writes it', [TEXT, { type: 'image_url', image_url: SCREEN }], 7_560],
    ['two pictures', [TEXT, picture(SCREEN), picture(SCREEN)], 2 * 7_560],
    ['sound', [TEXT, sound(wav(100), 'wav')], 960],
    ['a picture and sound', [picture(SCREEN), TEXT, sound(mp3(31_000), 'mp3')], 7_560 + 1_920],
  ] as const)('%s is in the bound and in the tokens that are no text', (_, content, tokens) => {
    const { most, ids, texts } = asked(content)
    expect(most.input).toBe(without.most.input + tokens)
    expect(ids).toBe(tokens)
    expect(texts()).toEqual(without.texts())
  })

  it('J2 nothing of the bytes of a picture is counted as text', () => {
    const large = dataUrl(Buffer.concat([png([1_920, 1_080]), Buffer.alloc(1_000_000)]))
    expect(asked([TEXT, picture(large)]).most).toEqual(asked([TEXT, picture(SCREEN)]).most)
  })

  it('a setting of a smaller picture lowers the bound', () => {
    const media = { imageTokens: 256, remoteUrls: false }
    expect(asked([picture(SCREEN)], { ...UNKNOWN_TERMS, media }).ids).toBe(256)
  })

  it('sends the bytes of the picture as they came', () => {
    const request = asked([TEXT, picture(SCREEN)])
    const body = JSON.parse(Buffer.from(openaiChat.rewrite(request, 9, 'vllm').body).toString())
    expect(body.messages[0].content[1]).toEqual(picture(SCREEN))
  })
})

const refusal = (content: unknown, terms?: Terms): string => {
  const result = read(content, terms)
  return result.ok ? 'read' : `${result.error.code} ${result.error.param}`
}
const REMOTE = { ...UNKNOWN_TERMS, media: { imageTokens: 16_384, remoteUrls: true } }
const AT = 'messages[0].content[0]'

describe('parts of a chat that are refused by name', () => {
  it.each([
    ['no object', { type: 'image_url', image_url: 1 }, `invalid_type ${AT}.image_url`],
    ['no URL', picture(1 as never), `invalid_type ${AT}.image_url`],
    ['nothing', { type: 'image_url' }, `invalid_type ${AT}.image_url`],
    ['a detail of no word', picture(SCREEN, { detail: 1 }), `invalid_type ${AT}.image_url.detail`],
    ['another detail', picture(SCREEN, { detail: 'x' }), `invalid_value ${AT}.image_url.url`],
    // LiteLLM hands the picture on as a document or film of this type.
    [
      'a format',
      picture(SCREEN, { format: 'application/pdf' }),
      `unsupported_content ${AT}.image_url.format`,
    ],
    ['another key of vLLM', { ...picture(SCREEN), uuid: 'x' }, `unsupported_content ${AT}.uuid`],
    [
      'a second medium',
      { ...picture(SCREEN), input_audio: {} },
      `unsupported_content ${AT}.input_audio`,
    ],
    ['another spelling', { type: 'image_url', Image_Url: { url: SCREEN } }, `ambiguous_key ${AT}`],
    ['sound of another format', sound(wav(9), 'flac'), `invalid_type ${AT}.input_audio`],
    [
      'sound without a format',
      { type: 'input_audio', input_audio: { data: '' } },
      `invalid_type ${AT}.input_audio`,
    ],
    [
      'sound that is none',
      sound(Buffer.from('OggS'), 'mp3'),
      `unsupported_content ${AT}.input_audio.data`,
    ],
    [
      'more beside sound',
      sound(wav(9), 'wav', { seconds: 1 }),
      `unsupported_content ${AT}.input_audio.seconds`,
    ],
    ['a film', { type: 'video_url', video_url: { url: SCREEN } }, `unsupported_content ${AT}`],
    ['a file', { type: 'file', file: { file_id: 'file-1' } }, `unsupported_content ${AT}`],
    [
      'a picture of Responses',
      { type: 'input_image', image_url: SCREEN },
      `unsupported_content ${AT}`,
    ],
    ['a picture of Messages', { type: 'image', source: {} }, `unsupported_content ${AT}`],
    [
      'vLLM’s embeddings of a picture',
      { type: 'image_embeds', image_embeds: 'x' },
      `unsupported_content ${AT}`,
    ],
  ])('%s', (_, part, refused) => {
    expect(refusal([part])).toBe(refused)
  })

  it('G11 a picture by URL, and always one in the backend’s own network', () => {
    const by = (url: string) => [picture(url)]
    const inside = ['http://127.0.0.1/', 'http://169.254.169.254/', 'http://[::1]/']
    const refused = `${AT}.image_url.url`
    expect(refusal(by('https://example.com/a.png'))).toBe(`unsupported_content ${refused}`)
    expect(refusal(by('https://example.com/a.png'), REMOTE)).toBe('read')
    expect(asked(by('https://example.com/a.png'), REMOTE).ids).toBe(16_384)
    for (const url of [...inside, 'http://2130706433/', 'http://localhost/', 'file:///etc/passwd'])
      expect(refusal(by(url), REMOTE)).toBe(`invalid_value ${refused}`)
  })

  it('the 101st picture', () => {
    const one = picture(dataUrl(png([1, 1])))
    expect(refusal(Array(100).fill(one))).toBe('read')
    expect(refusal(Array(101).fill(one))).toBe(
      'too_many_pictures messages[0].content[100].image_url.url',
    )
  })

  it('pictures for embeddings', () => {
    const body = JSON.stringify({ model: 'm', input: 'a', images: [SCREEN] })
    expect(openaiEmbeddings.read(Buffer.from(body), HEAD)).toMatchObject({ ok: false })
  })
})

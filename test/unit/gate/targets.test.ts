import { expect, it } from 'vitest'
import { slotsOf } from '../../support/slots.ts'

it('the slot of a request that is sent in another form stays its own, and is taken once more by it', () => {
  const targets = slotsOf(1)
  const slot = targets.take()
  slot?.sent()
  slot?.back()
  expect(targets.take()).toBeNull()
  const again = slot?.first(targets)
  expect(again?.take()).toBe(slot)
  expect(again?.take()).toBeNull()
  slot?.sent()
  slot?.released()
  expect(slot?.first(targets).take()).not.toBe(slot)
})

it('a slot that is free already is taken like any other', () => {
  const targets = slotsOf(1)
  const slot = targets.take()
  slot?.sent()
  slot?.released()
  slot?.back()
  const other = slot?.first(targets).take()
  expect(other).not.toBe(slot)
  expect(other).not.toBeNull()
})

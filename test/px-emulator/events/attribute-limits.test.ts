import { expect, test } from 'vitest'
import { emulator, event, post, start } from '../../support/started-emulator.ts'

const many = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`a${at}`, at]))
test.each([
  ['51 attributes', { attributes: many }],
  ['a name of 1,025 characters', { attributes: { ['x'.repeat(1_025)]: 1 } }],
  ['a value of 1,025 characters', { attributes: { x: 'x'.repeat(1_025) } }],
  ['an event name of 2,001 characters', { eventName: 'x'.repeat(2_001) }],
])('%s: refused, dropped, shortened or taken', async (_, more) => {
  await start()
  const tooMuch = { ...event, ...more }
  const outcome = async () => [(await post(tooMuch)).status, emulator.events().length]
  expect(await outcome()).toEqual([400, 0])
  emulator.setSwitches({ limits: 'drop' })
  expect(await outcome()).toEqual([201, 0])
  emulator.setSwitches({ limits: 'truncate' })
  expect(await outcome()).toEqual([201, 1])
  expect(emulator.events()[0]).not.toMatchObject(more)
  emulator.setSwitches({ limits: 'off' })
  expect(await outcome()).toEqual([201, 2])
  expect(emulator.events()[1]).toMatchObject(more)
})

test('the 2,001st event name is refused, dropped or taken, and a known one is taken always', async () => {
  await start({ switches: { requestsPerSecond: null } })
  for (let at = 0; at < 2_000; at += 1) await post({ ...event, eventName: `name ${at}` })
  expect((await post({ ...event, eventName: 'name 7' })).status).toBe(201)
  const outcome = async () => [
    (await post({ ...event, eventName: 'one more' })).status,
    emulator.events().length,
  ]
  expect(await outcome()).toEqual([400, 2_001])
  emulator.setSwitches({ limits: 'drop' })
  expect(await outcome()).toEqual([201, 2_001])
  emulator.setSwitches({ limits: 'off' })
  expect(await outcome()).toEqual([201, 2_002])
})

import { expect, test } from 'vitest'
import { isTimeZone, zoneOf } from '../../../packages/cli/src/px/time-zone.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'

test('an IANA name is a time zone, another text is not', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Base', ''].map(isTimeZone)).toEqual([true, true, false, false])
})

test('the zone of the usage days is UTC unless it is given; an unknown one ends with code 2', () => {
  const settings = (flags: Record<string, string>) =>
    parseSettings({ flags, env: {}, file: undefined, cwd: '/' })
  expect([zoneOf(settings({})), zoneOf(settings({ timeZone: 'Asia/Tokyo' }))]).toEqual(['UTC', 'Asia/Tokyo'])
  expect(() => zoneOf(settings({ timeZone: 'Mars/Base' }))).toThrow(expect.objectContaining({ exitCode: 2 }))
})

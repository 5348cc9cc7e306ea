import { expect, test } from 'vitest'
import { isTimeZone } from '../../../packages/cli/src/px/time-zone.ts'

test('an IANA name is a time zone, another text is not', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Base', ''].map(isTimeZone)).toEqual([true, true, false, false])
})

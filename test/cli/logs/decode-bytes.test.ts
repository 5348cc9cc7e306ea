import { expect, it } from 'vitest'
import { decodeBytes } from '../../../packages/cli/src/logs/decode-bytes.ts'

it.each([
  ['ann', 'ann'],
  ['jos\\xC3\\xA9', 'josé'],
  ['a\\"b', 'a"b'],
  ['a\\\\x41', 'a\\x41'],
  ['\u00e2\u0082\u00ac', '€'],
  ['\\u0041', '\\u0041'],
])('decodeBytes(%j) is %j', (text, decoded) => {
  expect(decodeBytes(text)).toBe(decoded)
})

import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import {
  dayOfItem,
  decodeBlock,
  decodeItem,
  encodeBlocks,
} from '../../../packages/redis/src/sent/sent-blocks.ts'
import { day, line } from '../../support/count-batch.ts'

const item = (id: string, onDay = day) => `${onDay}${JSON.stringify(line(id, onDay))}`

it('a line that is not compressed shows its day before it is decoded', () => {
  expect(dayOfItem(item('a'))).toBe(day)
  expect(decodeItem(item('a'))).toEqual(line('a'))
})

it('blocks keep the lines of each day, in their order and with any id', async () => {
  const other = '2026-11-24'
  const ids = ['a', 'Zoë, "the" user', 'two\nlines', '\u2028', '🙂']
  const blocks = await encodeBlocks([...ids.map((id) => item(id)), item('later', other), item('last')])
  expect(blocks.map(({ day }) => day)).toEqual([day, other])
  const [first, second] = await Promise.all(blocks.map(({ block }) => decodeBlock(block)))
  expect(first).toEqual([...ids, 'last'].map((id) => line(id)))
  expect(second).toEqual([line('later', other)])
})

it('a block is text that base64 and gunzip read', async () => {
  const [first] = await encodeBlocks([item('a'), item('b')])
  expect(first?.block).toMatch(/^[\w+/]+=*$/)
  const text = gunzipSync(Buffer.from(first?.block ?? '', 'base64')).toString()
  expect(text).toBe(`${JSON.stringify(line('a'))}\n${JSON.stringify(line('b'))}\n`)
})

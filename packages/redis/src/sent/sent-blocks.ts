import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { OutboxLine, UsageDay } from '@px-usage/core'

const compress = promisify(gzip)
const decompress = promisify(gunzip)

/** Lines that are compressed together, about 450 KB. */
export const linesPerBlock = 1_000

/** Delivered lines of one day as Redis keeps them: JSON lines, compressed with gzip, in base64 because clients send text. */
interface SentBlock {
  readonly day: UsageDay
  readonly block: string
}

/** Returns the day of a line that is not compressed yet. */
export function dayOfItem(item: string): UsageDay {
  return item.slice(0, 10)
}

/** Decodes a line that is not compressed yet. */
export function decodeItem(item: string): OutboxLine {
  return JSON.parse(item.slice(10)) as OutboxLine
}

/** Compresses lines, those of each day for themselves. */
export async function encodeBlocks(items: readonly string[]): Promise<SentBlock[]> {
  const days = new Map<UsageDay, string>()
  for (const item of items) {
    const day = dayOfItem(item)
    days.set(day, `${days.get(day) ?? ''}${item.slice(10)}\n`)
  }
  const blocks: SentBlock[] = []
  for (const [day, text] of days) blocks.push({ day, block: (await compress(text)).toString('base64') })
  return blocks
}

/** Returns the lines of a block. */
export async function decodeBlock(block: string): Promise<OutboxLine[]> {
  const text = (await decompress(Buffer.from(block, 'base64'))).toString()
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as OutboxLine)
}

import type { OutboxLine, ScratchPlace } from '@px-usage/core/adapter'
import { createScratchFile } from './scratch-file.ts'

/** Digits of an id that are compared first: 48 bits, which a number holds exactly beside the rank. */
const digits = 12

/**
 * Yields lines in the order of their ids, totals before details, whatever order they come in. Memory has 32 bytes of each line; the
 * lines wait in a scratch file.
 *
 * @param folder for the scratch file
 * @param most the most lines of each array
 */
export async function* sortLines(
  lines: AsyncIterable<OutboxLine>,
  folder: string,
  most: number,
): AsyncGenerator<OutboxLine[]> {
  const scratch = createScratchFile(folder)
  const keys: number[] = []
  const offsets: number[] = []
  const lengths: number[] = []
  const placeOf = (index: number): ScratchPlace => ({
    offset: offsets[index] as number,
    length: lengths[index] as number,
  })
  const read = (index: number) => JSON.parse(scratch.read(placeOf(index))) as OutboxLine
  try {
    for await (const line of lines) {
      const { offset, length } = scratch.write(JSON.stringify(line))
      keys.push(keyOf(line))
      offsets.push(offset)
      lengths.push(length)
    }
    const order = Uint32Array.from(keys, (_, index) => index).sort((a, b) => {
      const difference = (keys[a] as number) - (keys[b] as number)
      return difference === 0 && a !== b ? (read(a).id < read(b).id ? -1 : 1) : difference
    })
    for (let at = 0; at < order.length; at += most) yield Array.from(order.subarray(at, at + most), read)
  } finally {
    scratch.close()
  }
}

function keyOf({ id, rank }: OutboxLine): number {
  const start = Number.parseInt(id.replaceAll('-', '').slice(0, digits), 16)
  return (rank === 'total' ? 0 : 16 ** digits) + start
}

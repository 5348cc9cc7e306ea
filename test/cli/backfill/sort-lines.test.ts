import { tmpdir } from 'node:os'
import type { OutboxLine } from '@px-usage/core/adapter'
import { expect, it } from 'vitest'
import { sortLines } from '../../../packages/cli/src/backfill/sort-lines.ts'

const line = (id: string, rank: OutboxLine['rank'] = 'total'): OutboxLine => ({
  ...{ id, rank, day: '2026-11-01', kind: 'event', calls: 1 },
  body: JSON.stringify({ id }),
})

async function* given(lines: readonly OutboxLine[]): AsyncGenerator<OutboxLine> {
  yield* lines
}

it('lines come in the order of their ids, totals first, in arrays of at most the size', async () => {
  const lines = [
    line('ffffffff-0000-8000-8000-000000000001', 'detail'),
    line('00000000-0000-8000-8000-000000000002', 'detail'),
    line('abcdef01-2345-8000-8000-000000000002'),
    // The first 48 bits are equal.
    line('abcdef01-2345-8000-8000-000000000001'),
    line('00000000-0000-8000-8000-000000000001'),
  ]
  const sorted: OutboxLine[][] = []
  for await (const part of sortLines(given(lines), tmpdir(), 2)) sorted.push(part)
  expect(sorted).toEqual([[lines[4], lines[3]], [lines[2], lines[1]], [lines[0]]])
  const backwards: OutboxLine[][] = []
  for await (const part of sortLines(given(lines.toReversed()), tmpdir(), 2)) backwards.push(part)
  expect(backwards).toEqual(sorted)
})

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { MeterStats } from '@px-usage/core'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Live heap that 80,000 more things which never come twice may take: were they kept, they would take 8 MB and more. */
const mostGrowthMb = 3

it.each([
  ['unusable ids', { counted: 0, unattributed: { invalid: 100_000 } }, '/'],
  ['unknown credentials', { counted: 0, unattributed: { anonymous: 90_000, rejected: 10_000 } }, '/'],
  ['property values', { counted: 0, unattributed: { anonymous: 100_000 } }, '/'],
  ['unmatched paths', { counted: 100_000 }, '(unmatched)'],
])(
  '100,000 distinct %s leave the memory flat and the totals exact',
  { timeout: 180_000 },
  async (flood, totals, route) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--expose-gc',
        '--conditions=@px-usage/source',
        '--import',
        'tsx',
        'test/support/flood-child.ts',
        flood,
      ],
      { cwd: root },
    )
    const { heap, calls, routes } = JSON.parse(stdout) as {
      heap: number[]
      calls: MeterStats['calls']
      routes: unknown
    }
    console.log(`${flood}: live heap after each 20,000, in MB: ${heap.join(', ')}`)
    expect(calls).toMatchObject({ ...totals, pending: 0 })
    expect(routes).toEqual([{ method: 'GET', route }])
    expect(heap).toHaveLength(5)
    expect((heap.at(-1) as number) - (heap[0] as number)).toBeLessThan(mostGrowthMb)
  },
)

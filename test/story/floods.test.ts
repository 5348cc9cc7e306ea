import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { MeterStats } from '@px-usage/core'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Live heap that 80,000 more things which never come twice may take: were they kept, they would take 8 MB and more. */
const mostGrowthMb = 3

interface Figures {
  /** Live heap at five moments, in MB. */
  heap: number[]
  calls: MeterStats['calls']
  routes: unknown[]
}

async function figuresOf(flood: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--conditions=@px-usage/source', '--import', 'tsx', 'test/support/flood-child.ts', flood],
    { cwd: root },
  )
  const figures = JSON.parse(stdout) as Figures
  console.log(`${flood}: live heap at five moments, in MB: ${figures.heap.join(', ')}`)
  expect(figures.heap).toHaveLength(5)
  return figures
}

function growth({ heap }: Figures): number {
  return (heap.at(-1) as number) - (heap[0] as number)
}

describe('100,000 distinct', { timeout: 180_000 }, () => {
  it.each([
    ['unusable ids', { counted: 0, unattributed: { invalid: 100_000 } }, '/'],
    ['unknown credentials', { counted: 0, unattributed: { anonymous: 90_000, rejected: 10_000 } }, '/'],
    ['property values', { counted: 0, unattributed: { anonymous: 100_000 } }, '/'],
    ['unmatched paths', { counted: 100_000 }, '(unmatched)'],
  ])('%s leave the memory flat and the totals exact', async (flood, totals, route) => {
    const figures = await figuresOf(flood)
    expect(figures.calls).toMatchObject({ ...totals, pending: 0 })
    expect(figures.routes).toEqual([{ method: 'GET', route }])
    expect(growth(figures)).toBeLessThan(mostGrowthMb)
  })
})

// 2,000 times three texts of 20,000 characters are 120 MB.
it('memory holds only the part of a text that a user, endpoint or property was cut from', async () => {
  const figures = await figuresOf('cut texts')
  expect(figures.calls).toMatchObject({ counted: 2_500 })
  expect(growth(figures)).toBeLessThan(mostGrowthMb)
})

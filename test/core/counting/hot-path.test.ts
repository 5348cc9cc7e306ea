import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')

interface Figures {
  calls: number
  counted: number
  /** Bytes that counting so many calls of known series took in the table. */
  tableBytes: number
  /** Bytes that remained of recording so many in a meter. */
  kept: number
  promises: number
  resources: number
  /** Bytes kept for a thousand users whose ids were parts of headers of 50,000 characters. */
  cutIdBytes: number
}

describe('a call of a known series and a sync identity', () => {
  let figures: Figures

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--expose-gc',
        // Room for 16 bytes a call, so that no garbage is collected before it is measured.
        '--min-semi-space-size=64',
        '--max-semi-space-size=64',
        '--conditions=@px-usage/source',
        '--import',
        'tsx',
        'test/support/hot-path-child.ts',
      ],
      { cwd: root },
    )
    console.log(stdout)
    figures = JSON.parse(stdout)
  }, 30_000)

  it('makes no promise', () => {
    expect(figures.counted).toBe(figures.calls + 100_000)
    expect(figures.promises).toBe(0)
    // The immediate or the timer after which all of them are stored.
    expect(figures.resources).toBeLessThanOrEqual(2)
  })

  // The smallest object takes 16 bytes, so one for every call would be far over this.
  it('allocates nothing to be counted', () => {
    expect(figures.tableBytes).toBeLessThan(figures.calls * 4)
  })

  it('leaves nothing in memory once it is recorded', () => {
    expect(figures.kept).toBeLessThan(figures.calls * 4)
  })

  it('keeps of the header that an id was cut out of only the id', () => {
    expect(figures.cutIdBytes).toBeLessThan(5_000_000)
  })
})

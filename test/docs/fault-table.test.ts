import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { titlesIn } from '../support/test-titles.ts'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'faults/README.md'), 'utf8')
const rows = [...readme.matchAll(/^\| +(\d+) \|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)].map(
  ([, number, fault = '', file = '', title = '']) => ({
    number: Number(number),
    fault: fault.trim(),
    file: file.trim().replaceAll('`', ''),
    title: title.trim(),
  }),
)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('the table of faults', () => {
  it('lists the faults 1 to 71 in order', () => {
    expect([...new Set(rows.map(({ number }) => number))]).toEqual(range(1, 71))
    expect(rows.map(({ number }) => number)).toEqual(rows.map(({ number }) => number).sort((a, b) => a - b))
  })

  it('names for each fault a test that exists, by file and title', () => {
    const missing = rows.filter(({ file, title }) => {
      const path = join(root, file)
      if (!existsSync(path)) return true
      return !titlesIn(path).some((found) => found.isTest && ` > ${found.path}`.endsWith(` > ${title}`))
    })
    expect(missing).toEqual([])
  })

  it('has the faults by which docs/what-can-be-lost.md shows its promises', () => {
    const known = new Set(rows.map(({ number }) => number))
    const [lost = ''] = readFileSync(join(root, '../docs/what-can-be-lost.md'), 'utf8').split('\n## ')
    const named = [...lost.matchAll(/\| (\d[\d, ]*?) *\|$/gm)].flatMap(([, cell = '']) =>
      cell.split(', ').map(Number),
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((number) => !known.has(number))).toEqual([])
  })
})

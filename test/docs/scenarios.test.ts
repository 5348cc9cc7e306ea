import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const table = readFileSync(join(root, 'faults/README.md'), 'utf8')
const rows = [...table.matchAll(/^\| +(\d+) \|.*\|([^|]*)\|$/gm)].flatMap(([, number, where = '']) =>
  [...where.matchAll(/`([^`]+)`/g)].map(([, file]) => ({ number: Number(number), file: `${file}.test.ts` })),
)

/** Numbers of scenarios in the names of the tests of a file. */
function namedIn(file: string): number[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/['"]scenarios? (\d+(?:(?:, | and )\d+)*)/g)].flatMap(([, numbers = '']) =>
    [...numbers.matchAll(/\d+/g)].map(Number),
  )
}

it('the table of faults names for each number files with tests of that name', () => {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)
  expect([...new Set(rows.map(({ number }) => number))]).toEqual([
    ...range(1, 25),
    ...range(56, 59),
    ...range(66, 71),
  ])
  expect(rows.filter(({ number, file }) => !namedIn(file).includes(number))).toEqual([])
})

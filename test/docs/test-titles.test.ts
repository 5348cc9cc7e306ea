import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { titlesIn } from '../support/test-titles.ts'

const root = join(import.meta.dirname, '..')
const longest = 90

/** Words that hide who acts, or that this project does not use for what they mean. */
const unclear = [
  /\banswer(s|ed|ing)?\b/i,
  /\b(tells?|told)\b/i,
  /\b(nobody|somebody)\b/i,
  /\bso many\b/i,
  /\b(is|are) none\b/i,
  /\blets? go of\b/i,
  /\banew\b/i,
  /\bstands?\b/i,
  /\bout of order\b/i,
  /\bthe rights\b/i,
]

const titles = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/(^|\/)node_modules\/|^bench\//.test(file))
  .flatMap((file) => [
    ...titlesIn(join(root, file)).map(({ title, line }) => ({ title, at: `${file}:${line}` })),
    ...casesIn(file).map((title) => ({ title, at: file })),
  ])

/** The names of the route tables, which are the titles of their tests. */
function casesIn(file: string): string[] {
  if (!/^express\//.test(file)) return []
  return [...readFileSync(join(root, file), 'utf8').matchAll(/^ {4}name: (['"])(.*)\1,$/gm)].map(
    ([, , name = '']) => name,
  )
}

describe('the titles of tests', () => {
  it('are found in the whole folder', () => {
    expect(titles.length).toBeGreaterThan(800)
  })

  it(`have at most ${longest} characters`, () => {
    expect(titles.filter(({ title }) => title.length > longest)).toEqual([])
  })

  it('name a behaviour instead of a number of a list', () => {
    expect(titles.filter(({ title }) => /\bscenarios? \d/i.test(title))).toEqual([])
  })

  it('use plain words', () => {
    expect(titles.filter(({ title }) => unclear.some((word) => word.test(title)))).toEqual([])
  })
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pages, root } from './pages.ts'

/** Words for which the project has a plainer one, and the one to use. */
const avoided: readonly (readonly [RegExp, string])[] = [
  [/\banswer(s|ed|ing)?\b/i, 'return, resolve to, respond'],
  [/\b(told|tells?)\b/i, 'report, warn, return'],
  [/\b(let|lets|letting) go of\b/i, 'release'],
  [/\bis none\b/i, 'invalid, none'],
  [/\bout of order\b/i, 'fails'],
  [/\bthe rights\b/i, 'permissions'],
  [/\bma(k|d)es? anew\b|\bbegun anew\b|\banew\b/i, 'create again'],
  [/\b(nobody|somebody)\b/i, 'say who acts'],
  [/\bso many\b/i, 'a number'],
  [/\bstands?\b(?! still|-in)/i, 'is'],
  [/\b(consumer|tenant|customer|owner)s?\b/i, 'user, account'],
  [/\b(principal|subject)s?\b/i, 'identity'],
  [/\bhits?\b/i, 'call'],
  [/\bbuckets?\b/i, 'series'],
  [/\b(drivers?|backends?)\b/i, 'store'],
  [/\bqueues?\b/i, 'outbox'],
  [/\b(ambiguous|in doubt|parked)\b/i, 'unconfirmed'],
  [/\breconciles?d?\b/i, 'look up'],
  [/\bmisc\b/i, 'overflow'],
  [/\bexactly once\b/i, 'effectively once'],
  [/\bshared store\b/i, 'nothing: there is none'],
]

/** Uses that are right: the file, the words around it, and why. */
const justified: readonly (readonly [file: string, words: string, why: string])[] = [
  ['packages/express/README.md', '/tenants/:tenant/items/:id', 'a route of an app'],
  ['packages/express/README.md', 'per tenant or per request', 'tenants of the app, not accounts of PX'],
  ['CONTRIBUTING.md', 'a subject of at most 72 characters', 'the subject of a commit'],
]

const examples = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|md)$/.test(file) && !file.includes('node_modules'))
  .map((file) => `examples/${file}`)
const texts = [
  ...pages,
  ...['CONTRIBUTING.md', '.changeset/README.md', ...examples].map(
    (path) => [path, readFileSync(join(root, path), 'utf8')] as const,
  ),
]

describe.each(texts)('%s', (path, text) => {
  it('uses no word for which the project has a plainer one', () => {
    const allowed = justified.filter(([file]) => file === path)
    const found = text.split('\n').flatMap((line, at) => {
      const rest = allowed.reduce((left, [, words]) => left.replaceAll(words, ''), line)
      return avoided
        .filter(([word]) => word.test(rest))
        .map(([word, better]) => `${at + 1}: ${word.exec(rest)?.[0]} -> ${better}`)
    })
    expect(found).toEqual([])
  })
})

it('each justified use is still there', () => {
  const known = new Map(texts)
  expect(justified.filter(([file, words]) => !known.get(file)?.includes(words))).toEqual([])
})

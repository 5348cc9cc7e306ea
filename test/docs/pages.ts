import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')
/** Where the pages of the repository are read on the web. READMEs of packages link to it, as npm shows them alone. */
export const repositoryUrl = 'https://github.com/px-usage/px-usage'

const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
const packages = readdirSync(join(root, 'packages'))

/** What users read, by path within the repository. */
export const pages: ReadonlyMap<string, string> = new Map(
  [
    'README.md',
    ...packages.map((name) => `packages/${name}/README.md`),
    ...inDocs.map((name) => `docs/${name}`),
  ]
    .filter((path) => path.endsWith('.md'))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
)

export function page(path: string): string {
  const text = pages.get(path)
  if (text === undefined) throw new Error(`There is no page ${path}.`)
  return text
}

/** The rows of the table that follows a heading, cell by cell, without the head. */
export function tableOf(path: string, heading: string): string[][] {
  const [, section = ''] = page(path).split(`## ${heading}\n`)
  const [table = ''] = section.split(/\n#+ /)
  const rows = table.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

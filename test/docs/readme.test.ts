import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { page, pages, repositoryUrl, root } from './pages.ts'

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('the README of the repository', () => {
  it('shows how to start and how to test in its first screen', () => {
    const firstScreen = page('README.md').split('\n').slice(0, 20).join('\n')
    expect(firstScreen).toContain('npm start')
    expect(firstScreen).toContain('npm test')
  })

  it('links every page of the documentation, and so does the README of core', () => {
    const docs = [...pages.keys()].filter((path) => path.startsWith('docs/') && path !== 'docs/README.md')
    for (const path of docs) {
      expect(page('README.md')).toContain(`](${path})`)
      expect(page('docs/README.md')).toContain(`](${path.slice('docs/'.length)})`)
      expect(page('packages/core/README.md')).toContain(`](${repositoryUrl}/blob/main/${path})`)
    }
  })
})

describe.each([...pages])('%s', (path, text) => {
  it('has at most 150 lines, unless it is the list of error codes', () => {
    if (path !== 'docs/error-codes.md') expect(text.split('\n').length - 1).toBeLessThanOrEqual(150)
  })

  it('links to files and headings that exist', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    for (const link of links) {
      const ours = link.startsWith(`${repositoryUrl}/blob/main/`)
      if (/^https?:/.test(link) && !ours) continue
      const [file = '', anchor] = link.replace(`${repositoryUrl}/blob/main/`, '').split('#')
      const target = ours ? file : file === '' ? path : normalize(join(dirname(path), file))
      expect(existsSync(join(root, target)), link).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(page(target)), link).toContain(anchor)
    }
  })

  it('has no relative link if npm shows it alone', () => {
    if (!path.startsWith('packages/') || path.startsWith('packages/px-emulator/')) return
    const relative = [...text.matchAll(/\]\((?!https:)([^)\s]+)\)/g)].map(([, link]) => link)
    expect(relative).toEqual([])
  })
})

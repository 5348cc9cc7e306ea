import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codes } from '@px-usage/core'
import { expect, it } from 'vitest'

const readme = readFileSync(join(import.meta.dirname, '../../packages/core/README.md'), 'utf8')

it('every code has its paragraph in the README of core, with the sentence of the table', () => {
  for (const [code, sentence] of Object.entries(codes)) {
    expect(readme, code).toContain(`### ${code}\n\n${sentence}`)
  }
})

it('the README of core explains no code that does not exist', () => {
  const explained = [...readme.matchAll(/^### (PXU_\w+)$/gm)].map(([, code]) => code)
  expect(explained.sort()).toEqual(Object.keys(codes).sort())
})

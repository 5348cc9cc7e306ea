import { codes, UsageError, type UsageErrorCode } from '@px-usage/core'
import { expect, it } from 'vitest'
import { page, repositoryUrl } from './pages.ts'

const text = page('docs/error-codes.md')

it('every code has its paragraph on the page of error codes, with the sentence of the table', () => {
  for (const [code, sentence] of Object.entries(codes)) {
    expect(text, code).toContain(`## ${code}\n\n${sentence}`)
  }
})

it('the page of error codes explains no code that does not exist', () => {
  const explained = [...text.matchAll(/^## (PXU_\w+)$/gm)].map(([, code]) => code)
  expect(explained.sort()).toEqual(Object.keys(codes).sort())
})

it('the help of an error is the address of its paragraph', () => {
  for (const code of Object.keys(codes) as UsageErrorCode[]) {
    const [address, anchor] = new UsageError(code, 'It failed.').help.split('#')
    expect(address).toBe(`${repositoryUrl}/blob/main/docs/error-codes.md`)
    // GitHub makes the anchor of a heading that is one word by writing it in lower case.
    expect(anchor).toBe(code.toLowerCase())
  }
})

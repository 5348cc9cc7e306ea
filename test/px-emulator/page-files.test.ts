import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pageFile } from '../../packages/px-emulator/src/page-files.ts'

const source = join(import.meta.dirname, '../../packages/px-emulator/src/page')

test('every file of the page is found under its path, with its type', async () => {
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.'),
  )
  expect(names.length).toBeGreaterThan(10)
  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css' }
  for (const name of names) {
    const { headers, body } = await pageFile('GET', `/page/${name}`)
    expect(headers['content-type']).toBe(`${types[name.split('.').at(-1) as string]}; charset=utf-8`)
    expect(body.length).toBeGreaterThan(0)
  }
})

test('the root is the page itself, and the chart library comes from its package', async () => {
  expect((await pageFile('GET', '/')).body.toString()).toMatch(/^<!doctype html>/i)
  expect((await pageFile('HEAD', '/page/chart.js')).body.toString()).toContain('Chart.js')
})

test.each([
  '/page/../cli.ts',
  '/page/missing.js',
  '/page/',
  '/page',
  '/index.html',
  '/__proto__',
  '/constructor',
])('%s is no file of the page', async (path) => {
  await expect(pageFile('GET', path)).rejects.toMatchObject({ statusCode: 404 })
})

test('a file can only be read', async () => {
  for (const method of ['POST', 'PUT', 'DELETE']) {
    await expect(pageFile(method, '/')).rejects.toMatchObject({
      ...{ statusCode: 405, message: `Request method '${method}' not supported` },
    })
  }
})

test('a browser may load nothing from elsewhere, frame the page nowhere, and keep nothing', async () => {
  const { headers } = await pageFile('GET', '/')
  expect(headers['content-security-policy']).toContain("default-src 'self'")
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
})

import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PxError } from './px-error.ts'

export interface PageFile {
  headers: Record<string, string>
  body: Buffer
}

/** This file is in the root of the source because `page` is beside it there and beside the bundle in `dist`. */
const pageDir = fileURLToPath(new URL('./page/', import.meta.url))
/** With `/` between folders on every system: `report/hint.js`. */
const pageNames = readdirSync(pageDir, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.includes('.'))
const chartFile = join(dirname(createRequire(import.meta.url).resolve('chart.js')), 'chart.umd.min.js')

const types: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', css: 'text/css' }

const files: Readonly<Record<string, string>> = {
  ...Object.fromEntries(pageNames.map((name) => [`/page/${name}`, join(pageDir, name)])),
  '/': join(pageDir, 'index.html'),
  '/page/chart.js': chartFile,
}

const headers = {
  'content-security-policy':
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** Returns a file of the report page. @throws {PxError} 404 for an unknown path, 405 for a method other than GET and HEAD */
export async function pageFile(method: string, pathname: string): Promise<PageFile> {
  const file = Object.hasOwn(files, pathname) ? files[pathname] : undefined
  if (file === undefined) throw new PxError(404, 'No such path')
  if (method !== 'GET' && method !== 'HEAD')
    throw new PxError(405, `Request method '${method}' not supported`)
  const contentType = `${types[file.slice(file.lastIndexOf('.') + 1)]}; charset=utf-8`
  return { headers: { ...headers, 'content-type': contentType }, body: await readFile(file) }
}

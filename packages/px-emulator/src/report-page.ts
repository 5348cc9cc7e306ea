import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCatalog } from './catalog.ts'
import { PxError } from './px-error.ts'
import type { PxState } from './px-routes.ts'
import { type ReportFunction, report } from './report.ts'
import type { Scope } from './report-period.ts'

export interface PageAnswer {
  contentType: string
  body: string | Buffer
}

const pageDir = fileURLToPath(new URL('./page/', import.meta.url))
const chartFile = join(dirname(createRequire(import.meta.url).resolve('chart.js')), 'chart.umd.min.js')

const files: Readonly<Record<string, readonly [string, string]>> = {
  '/': [join(pageDir, 'index.html'), 'text/html; charset=utf-8'],
  '/page/report.js': [join(pageDir, 'report.js'), 'text/javascript; charset=utf-8'],
  '/page/lists.js': [join(pageDir, 'lists.js'), 'text/javascript; charset=utf-8'],
  '/page/report.css': [join(pageDir, 'report.css'), 'text/css; charset=utf-8'],
  '/page/chart.js': [chartFile, 'text/javascript; charset=utf-8'],
}

const shownEvents = 100
const shownMembers = 500

/**
 * Answers the report page, its files, and the data under `/report/`.
 *
 * @throws {PxError} 404 for anything else, 400 for a chart that cannot be drawn
 */
export function createReportPage(state: PxState): (url: URL) => Promise<PageAnswer> {
  const catalog = createCatalog(state.events)
  const data: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
    '/report/catalog': () => catalog(),
    '/report/chart': (query) => report(state.events, reportQuery(query)),
    '/report/events': () => state.events.slice(-shownEvents).reverse(),
    '/report/audience': () => ({
      users: state.users.list().slice(-shownMembers),
      accounts: state.accounts.list().slice(-shownMembers),
    }),
  }
  return async ({ pathname, searchParams }) => {
    if (Object.hasOwn(files, pathname)) {
      const [file, contentType] = files[pathname]!
      return { contentType, body: await readFile(file) }
    }
    if (!Object.hasOwn(data, pathname)) throw new PxError(404, 'No such path')
    return { contentType: 'application/json', body: JSON.stringify(data[pathname]!(searchParams)) }
  }
}

function reportQuery(query: URLSearchParams) {
  const text = (name: string, otherwise = '') => query.get(name) || otherwise
  return {
    eventName: text('eventName'),
    property: text('property'),
    function: text('function', 'Sum') as ReportFunction,
    scope: text('scope', 'Daily') as Scope,
    timeZone: text('timeZone', 'UTC'),
    from: text('from'),
    to: text('to'),
    by: text('by'),
  }
}

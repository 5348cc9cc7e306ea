import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
/** A file of an app, which exists only here. `/*name*\/` marks a place. */
const file = join(import.meta.dirname, 'app-of-a-user.ts')
const text = `
import { createMeter, fileStore, identifyBy, pxUsage } from '@px-usage/express'
import { pxUsage as forHttp } from '@px-usage/http'
import { pxUsage as forKoa } from '@px-usage/koa'
import type { ParameterizedContext } from 'koa'

declare global {
  namespace Express {
    interface Request {
      user?: { id: string; orgId: string }
    }
  }
}

const /*usage*/usage = /*pxUsage*/pxUsage({
  /*identify*/identify: (/*req*/req) => req./*user*/user && { userId: req.user.id, accountId: req.user.orgId },
  /*timeZone*/timeZone: 'Europe/Berlin',
  /*store*/store: fileStore({ /*dir*/dir: '/var/lib/usage' }),
})
pxUsage({ identify: identifyBy({ credential: (/*byReq*/req) => req.get('x-api-key'), lookup: async () => null }) })
forKoa<ParameterizedContext<{ user: { id: string } }>>({ identify: (ctx) => ({ userId: ctx.state./*state*/user.id }) })
usage./*meter*/meter.close()

pxUsage({ identify: () => null, /*!region*/regoin: 'eu' })
pxUsage({ identify: () => null, /*!onError*/onErorr() {} })
pxUsage({ identify: (req) => ({ userId: req.user!.id }), /*!zeroFill*/zerofill: {} })
forKoa({ identify: () => null, /*!timeZone*/timezone: 'UTC' })
forHttp({ identify: () => null, /*!closeOnSignal*/closeOnSignals: true })
createMeter({ /*!apiKey*/apikey: 'key' })
pxUsage({ identify: () => ({ userid: 'ann' }) })
`

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const service = ts.createLanguageService({
  useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
  readFile: ts.sys.readFile,
  getScriptFileNames: () => [file],
  getScriptVersion: () => '1',
  getScriptSnapshot: (name) => {
    const content = name === file ? text : ts.sys.readFile(name)
    return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
  },
  getCurrentDirectory: () => root,
  getCompilationSettings: () => options,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: (name) => name === file || ts.sys.fileExists(name),
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories,
  // The packages of pnpm are symbolic links.
  ...(ts.sys.realpath === undefined ? {} : { realpath: ts.sys.realpath }),
})

/** What an editor shows at a marked place, on one line. */
function hover(mark: string): string {
  const info = service.getQuickInfoAtPosition(file, text.indexOf(`/*${mark}*/`) + mark.length + 4)
  const parts = [info?.displayParts, info?.documentation, ...(info?.tags ?? []).map(({ text }) => text)]
  return parts
    .map((part) => ts.displayPartsToString(part))
    .join('\n')
    .replace(/\s+/g, ' ')
}

describe('an editor shows', () => {
  it('the type of a request with what the app declared of it', () => {
    expect(hover('req')).toMatch(/^\(parameter\) req: \w+\.Request</)
    expect(hover('byReq')).toMatch(/^\(parameter\) req: \w+\.Request</)
    expect(hover('user')).toContain('Express.Request.user?: { id: string; orgId: string; }')
    expect(hover('state')).toContain('user: { id: string; }')
  })

  it('what the middleware is and does', () => {
    expect(hover('usage')).toMatch(/^const usage: UsageMiddleware\b/)
    expect(hover('pxUsage')).toContain('Creates a middleware that counts the calls of an Express app')
    expect(hover('meter')).toContain('UsageMiddleware.meter: Meter')
  })

  it('what an option is for, and its default', () => {
    expect(hover('identify')).toMatch(/identify: Identify<.*> Returns the identity of the caller/)
    expect(hover('timeZone')).toMatch(
      /timeZone\?: string \| undefined IANA zone .* process\.env\.PX_TIME_ZONE or 'UTC'/,
    )
    expect(hover('store')).toMatch(/store\?: Store \| undefined Where day totals .* fileStore\(/)
    expect(hover('dir')).toMatch(/dir: string Folder for counts and outbox/)
  })
})

describe('the compiler', () => {
  const diagnostics = service.getSemanticDiagnostics(file)
  const messageAt = (start: number) =>
    diagnostics
      .filter((diagnostic) => diagnostic.start === start)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
      .join('\n')

  it.each(
    [...text.matchAll(/\/\*!(\w+)\*\/(\w+)/g)].map(({ 0: mark, 1: right, 2: wrong, index }) => ({
      mark,
      right,
      wrong,
      index,
    })),
  )('names $right for $wrong', ({ mark, right, wrong, index }) => {
    expect(messageAt(index + mark.length - (wrong as string).length)).toContain(
      `'${wrong}' does not exist in type`,
    )
    expect(messageAt(index + mark.length - (wrong as string).length)).toContain(
      `Did you mean to write '${right}'?`,
    )
  })

  it('refuses an identity without userId, and finds no other error', () => {
    const other = diagnostics.filter(({ start = 0 }) => !/\/\*!\w+\*\/$/.test(text.slice(0, start)))
    expect(other.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([
      expect.stringContaining("'{ userid: string; }' is not assignable"),
    ])
  })
})

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const packages = join(root, 'packages')
const tests = join(root, 'test')

/** Source files without a test of their name: why, and the tests that fail when one of them is wrong. */
const exceptions: ReadonlyArray<{
  readonly reason: string
  readonly files: readonly string[]
  readonly tests: readonly string[]
}> = [
  {
    reason: 'scripts of the page run in a browser, where they are tested together',
    files: [
      ...['audience-view', 'events-view', 'fetch-control', 'in-words', 'plain-text', 'table'],
      ...['chart-colours', 'hatch', 'legend', 'partial-periods', 'picture', 'reading'].map(
        (name) => `chart/${name}`,
      ),
      ...['csv', 'file-name', 'filters', 'hint', 'no-events', 'query-form'].map((name) => `report/${name}`),
      ...['ranking', 'share', 'tiles', 'title'].map((name) => `report/${name}`),
    ].map((name) => `px-emulator/page/${name}`),
    tests: [
      'px-emulator/page/page.test.ts',
      'px-emulator/page/chart/draw-chart.test.ts',
      'px-emulator/page/report/report-view.test.ts',
    ],
  },
  {
    reason: 'the steps of a backfill are tested together, as a user runs them',
    files: ['cli/backfill/run-backfill', 'cli/backfill/manage-backfills'],
    tests: ['cli/commands/backfill.test.ts'],
  },
  {
    reason: 'what a journal writes is tested by reading it, after crashes and failures too',
    files: ['core/journal/journal-writer'],
    tests: [
      'core/stores/file-store-journal.test.ts',
      'core/stores/file-store-replaced.test.ts',
      'core/stores/file-store-crash.test.ts',
      'core/stores/file-store-disk-fails.test.ts',
    ],
  },
  {
    reason: 'what the tool reads from Redis is tested on a redis-server, through the tool and its readers',
    files: ['cli/place/connect-redis', 'redis/reading/redis-lines', 'redis/reading/redis-reader'],
    tests: ['redis/reading/read-redis.test.ts'],
  },
  {
    reason:
      'parts of the Redis store are tested through the scripts that they run, and through the whole store',
    files: ['counting/day-counts', 'fleet', 'key-names', 'open-store', 'redis-outbox', 'scripts/script'].map(
      (name) => `redis/${name}`,
    ),
    tests: [
      'contracts/store-contract.ts',
      'redis/close-day.test.ts',
      'redis/membership.test.ts',
      'redis/scripts/outbox-scripts.test.ts',
    ],
  },
]

/** Names of tests that are not those of source files, and what these tests are about instead. */
const testsOfSeveral: Readonly<Record<string, string>> = {
  'adapter-contract': 'what all adapters promise',
  'hot-path': 'what one call costs on its whole way',
  'injected-requests': 'a framework and its adapter, without a socket',
  'interleaved-calls': 'a framework and its adapter, with calls that overlap',
  verdicts: 'what `px-usage doctor` says of each fault',
  'key-stays': 'the API key, wherever it could appear',
  ...Object.fromEntries(
    ['crash', 'disk-fails', 'journal', 'many-files', 'replaced', 'shared'].map((what) => [
      `file-store-${what}`,
      'the whole file store under one kind of failure or load',
    ]),
  ),
}
/** The packages whose tests mirror their source. Those in `redis/` are there because they need a redis-server. */
const mirrored = ['cli', 'core', 'express', 'http', 'koa', 'px-emulator']

/** Source files of all packages that contain a function with a body, as `core/day/rollup`. */
const sources = readdirSync(packages).flatMap((name) =>
  readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[jt]s$/.test(file))
    .filter((file) => hasBehaviour(join(packages, name, 'src', file)))
    .map((file) => `${name}/${file.replace(/\.[jt]s$/, '')}`),
)

function hasBehaviour(path: string): boolean {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest)
  const contains = (node: ts.Node): boolean =>
    (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) ||
    ts.forEachChild(node, contains) === true
  return contains(source)
}

const hasTest = (file: string) => existsSync(join(tests, `${file}.test.ts`))
const excepted = exceptions.flatMap(({ files }) => files)

describe('each source file with behaviour', () => {
  it('is found', () => {
    expect(sources.length).toBeGreaterThan(150)
    expect(sources).toContain('core/day/rollup')
    expect(sources).not.toContain('core/model/series')
  })

  it('has a test file of its name, or a reason in the list above why not', () => {
    expect(sources.filter((file) => !hasTest(file) && !excepted.includes(file))).toEqual([])
  })
})

describe('each exception', () => {
  it('is a source file without a test of its name', () => {
    expect(excepted.filter((file) => !sources.includes(file) || hasTest(file))).toEqual([])
    expect(new Set(excepted).size).toBe(excepted.length)
  })

  it.each(exceptions)('names tests that exist: $reason', (exception) => {
    expect(exception.tests.length).toBeGreaterThan(0)
    expect(exception.tests.filter((file) => !existsSync(join(tests, file)))).toEqual([])
  })
})

describe('each test of a package', () => {
  const files = mirrored.flatMap((name) =>
    readdirSync(join(tests, name), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => `${name}/${file.replace(/\.test\.ts$/, '')}`),
  )
  const isNamed = (file: string) => {
    const [name = '', ...rest] = file.split('/')
    const source = join(packages, name, 'src', ...rest)
    return existsSync(`${source}.ts`) || existsSync(`${source}.js`)
  }
  const others = files.filter((file) => !isNamed(file))

  it('has the name of a source file, or a reason in the list above why not', () => {
    expect(files.length).toBeGreaterThan(150)
    expect(others.filter((file) => testsOfSeveral[basename(file)] === undefined)).toEqual([])
  })

  it('is in the list only if it has to be', () => {
    const used = others.map((file) => basename(file))
    expect(Object.keys(testsOfSeveral).filter((name) => !used.includes(name))).toEqual([])
  })
})

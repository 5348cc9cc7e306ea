import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Allocations } from '../support/added-call-child.ts'

const root = join(import.meta.dirname, '../..')
const major = Number(process.versions.node.split('.')[0])

/** Bytes on every Node, or those on Node 20, on Node 22, and from Node 24 on. 0 means that nothing is allocated there. */
type Bytes = number | readonly [node20: number, node22: number, node24: number]

/** What Node and the framework allocate for a call that they do not allocate without px-usage. */
const elsewhere = 'elsewhere'

/**
 * Everything that px-usage allocates for one call, in bytes. A call is known: its user, its series and its route were seen before, and
 * `identify` returns an object that exists. Each row is a function of px-usage, as package, file and name; what it calls in Node
 * follows ` > `. The figures are those of code that is not optimized, in which every object is allocated.
 *
 * A test fails when a function allocates more or less, and when another one allocates. Its message shows the rows that it found. Copy
 * them to this table after you removed an allocation, or if a new one is worth its price.
 */
const recording: Record<string, Bytes> = {
  'core/clock (anonymous)': 16, // the time, for the usage day
}

const observing: Record<string, Bytes> = {
  ...recording,
  'http/ignore-patterns (anonymous)': 48,
  'http/observed-call ObservedCall': [172, 180, 180], // the observed call
  'http/observed-call ObservedCall > AsyncResource': 160, // what makes it an async context
  'http/observed-call toRecord': 96, // the finished call
}

const allocations: Record<string, Record<string, Bytes>> = {
  record: recording,
  express: {
    ...observing,
    'express/route-tree refresh': 56,
    'express/watch-route defineByDescriptor': [1_328, 0, 0], // the fields of the request, copied to add `route`, as Express does too
    'express/watch-route visitOf': [112, 112, 80], // the route, as it is named
    'http/async-context areStoresInUse': [80, 96, 0], // the error of a probe for async hooks
    'http/async-context areStoresInUse > AsyncResource': [320, 320, 0],
    'http/async-context CallContext': [0, 0, 48], // the later context of a request
    'http/async-context CallContext > AsyncResource': [0, 0, 160],
    'http/open-requests track': [0, 32, 0], // the number of bytes sent
    'http/open-requests isPublished': [32, 32, 0],
    'http/foreign-fields Field': [0, 1_280, 24], // the same fields, and the function that creates the field
    [elsewhere]: [-320, -322, 856], // the message of Node's channel; a request that was copied grows no more
  },
  koa: {
    ...observing,
    'http/async-context areStoresInUse': [160, 192, 0], // the errors of probes for async hooks
    'http/async-context areStoresInUse > AsyncResource': [640, 640, 0],
    'http/async-context CallContext': [0, 0, 144], // the later contexts of a request
    'http/async-context CallContext > AsyncResource': [0, 0, 480],
    'http/foreign-fields Slot': [80, 24, 24],
    'http/foreign-fields Field': [80, 24, 24],
    [elsewhere]: [96, 92, 50], // the message of Node's channel
  },
}

/** Arrays that grow now and then, and caches of V8, take more in one run than in another. */
const toleranceBytes = 64

async function measure(...args: string[]): Promise<Allocations> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64', '--no-opt', '--no-maglev'],
      ...['--conditions=@px-usage/source', '--import', 'tsx', 'test/support/added-call-child.ts', ...args],
    ],
    // Without its cache, tsx has nothing to clean up while allocations are measured.
    {
      cwd: root,
      env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '', TSX_DISABLE_CACHE: '1' },
    },
  )
  return JSON.parse(stdout)
}

function onThisNode(bytes: Bytes): number {
  if (typeof bytes === 'number') return bytes
  const [node20, node22, node24] = bytes
  return major >= 24 ? node24 : major >= 22 ? node22 : node20
}

/** Less than 8 bytes for a call is what an array takes that grows now and then: the smallest object takes 16. */
function rowsOf({ byFunction }: Allocations): Record<string, number> {
  const rows = Object.entries(byFunction).filter(([, bytes]) => bytes >= 8)
  return Object.fromEntries(rows.map(([name, bytes]) => [name, 4 * Math.round(bytes / 4)]))
}

const sum = (rows: Record<string, number>) => Object.values(rows).reduce((a, b) => a + b, 0)

describe.each(['record', 'express', 'koa'])('a call of a known series (%s)', (scenario) => {
  const { [elsewhere]: inOthers = 0, ...own } = allocations[scenario] as Record<string, Bytes>
  let measured: Allocations
  let bare: Allocations

  beforeAll(async () => {
    measured = await measure(scenario)
    bare = scenario === 'record' ? measured : await measure(scenario, 'bare')
  }, 120_000)

  it('allocates what the table names, and nothing else', () => {
    expect(measured.counted).toBe(measured.made)
    const expected = Object.entries(own).map(([name, bytes]) => [name, onThisNode(bytes)] as const)
    expect(rowsOf(measured)).toEqual(Object.fromEntries(expected.filter(([, bytes]) => bytes > 0)))
  })

  if (scenario !== 'record')
    it('makes Node and the framework allocate nothing more', () => {
      const added = measured.bytes - bare.bytes - sum(measured.byFunction)
      expect(added).toBeLessThan(onThisNode(inOthers) + toleranceBytes)
      expect(added).toBeGreaterThan(onThisNode(inOthers) - toleranceBytes)
    })

  it('leaves no object in memory', () => {
    expect(measured.kept).toBeLessThan(scenario === 'record' ? 0.5 : 4)
  })

  if (scenario === 'record')
    it('keeps at most 60 bytes for each of 20,000 series', () => {
      expect(measured.perSeries).toBeGreaterThan(20)
      expect(measured.perSeries).toBeLessThanOrEqual(60)
    })
})

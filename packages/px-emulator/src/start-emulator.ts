import type { AddressInfo } from 'node:net'
import { createRateLimiter } from './api/rate-limiter.ts'
import type { Emulator, EmulatorOptions } from './emulator.ts'
import { withEpochDates } from './events/custom-event.ts'
import { createDayColumns } from './report/day-columns.ts'
import { overview } from './report/overview.ts'
import { type Report, report } from './report/report.ts'
import { checkZone } from './report/report-period.ts'
import type { ReportQuery } from './report/report-query.ts'
import { createFaultRules, type ReceivedRequest } from './server/faults.ts'
import { createEmulatorServer } from './server/server.ts'
import { openStorageDir, type StorageDir } from './storage/storage-dir.ts'
import { createPxState, restoreRecord } from './subscription/px-state.ts'
import { checkSwitches, defaultSwitches, type Switches } from './switches.ts'

/** Bodies of received requests that are kept, in characters. */
const maxRequestSize = 64 * 1024 * 1024

/** Starts a stand-in for the REST API of PX, with a page that shows the events it received. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { port = 7070, host = '127.0.0.1', apiKey = 'emulator-key', timeZone = 'UTC' } = options
  const { productKey = 'AP-DEMOEMULATOR-2', keepRequests = 10_000, now: clock = Date.now } = options
  // A scrollId has whole milliseconds, and the clock of an app may have fractions: each later page of a list was refused.
  const now = () => Math.floor(clock())
  const first: Switches = { ...defaultSwitches, ...checkSwitches(options.switches ?? {}) }
  const switches: Switches = { ...first }
  checkZone(timeZone)
  let storage: StorageDir | undefined
  const state = createPxState({
    productKey,
    timeZone,
    switches,
    eventNames: options.eventNames ?? [],
    record: (change) => storage?.append(change),
  })
  for (const kind of ['user', 'account'] as const) {
    state.model.declare(kind, options.attributes?.[kind] ?? [], now())
  }
  if (options.dir !== undefined)
    storage = openStorageDir(options.dir, (record) => restoreRecord(state, record))
  const keys = new Map([[apiKey, { read: true, write: true }], ...Object.entries(options.keys ?? {})])
  const faults = createFaultRules(options.seed ?? 1)
  const limiter = createRateLimiter(switches)
  const daysOf = createDayColumns()
  const requests: ReceivedRequest[] = []
  let requestCount = 0
  /** Characters of their bodies. */
  let requestSize = 0
  const forget = (count: number) => {
    for (const { body } of requests.splice(0, count)) requestSize -= body.length
  }

  /** Reveals what has become visible, and returns what a report reads besides the events. */
  const reportSettings = () => {
    state.events.reveal(now() - switches.visibilityLagMs)
    return { ...switches, nowMs: now(), daysOf }
  }

  const context = {
    state,
    shownKey: isLoopback(host) ? apiKey : undefined,
    keys,
    faults,
    requests,
    now,
    requestCount: () => requestCount,
    forgetRequests() {
      requests.length = 0
      requestCount = 0
      requestSize = 0
    },
    report: (query: ReportQuery): Report => report(state.events, query, reportSettings()),
    overview: (query: ReportQuery, most: number) => overview(state.events, query, reportSettings(), most),
    reset() {
      state.reset()
      storage?.clear()
      faults.clear()
      limiter.reset()
      Object.assign(switches, first)
      context.forgetRequests()
    },
  }
  const server = createEmulatorServer({
    ...context,
    limiter,
    isLoopback: isLoopback(host),
    fault: options.fault,
    received(request) {
      requestCount += 1
      requests.push(request)
      requestSize += request.body.length
      // Old requests are removed in batches, because removing one from a long list at each request is slow.
      if (requests.length > keepRequests * 1.1) forget(requests.length - keepRequests)
      if (requestSize > maxRequestSize) forget(Math.ceil(requests.length / 10))
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch((error: NodeJS.ErrnoException) => {
    storage?.close()
    throw listenError(error, port, host)
  })
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= new Promise((resolve) => {
      server.close(() => {
        // A request that a fault delays may still be handled later, and must not write to a closed file.
        const opened = storage
        storage = undefined
        opened?.close()
        resolve()
      })
      server.closeAllConnections()
    })
    return closing
  }
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    apiKey,
    productKey,
    isLoopback: isLoopback(host),
    events() {
      const all = Array.from({ length: state.events.length }, (_, place) => state.events.at(place))
      return switches.isoDates === 'epoch' ? all.map(withEpochDates) : all
    },
    requests,
    switches,
    setSwitches: (given) => void Object.assign(switches, checkSwitches(given)),
    addFault: faults.add,
    removeFault: (id) => void faults.remove(id),
    clearFaults: faults.clear,
    addKey: (key, permissions) => void keys.set(key, permissions),
    declareAttributes: (kind, attributes) => state.model.declare(kind, attributes, now()),
    report: context.report,
    reset: context.reset,
    close,
    [Symbol.asyncDispose]: close,
  }
}

function listenError(error: NodeJS.ErrnoException, port: number, host: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(
        `Port ${port} is in use, perhaps by another px-emulator. Use --port 0 for a free one.`,
        {
          cause: error,
        },
      )
    case 'EACCES':
      return new Error(`Port ${port} needs more permissions. Use --port 0 for a free one.`, { cause: error })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`Host ${host} is not an address of this machine. Use --host 127.0.0.1.`, {
        cause: error,
      })
    default:
      return error
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { type Clock, systemClock } from '../clock.ts'
import type { Rollup } from '../day/rollup.ts'
import { createNote, readNote } from '../files/note.ts'
import type { Store } from '../model/store.ts'
import type { StoreReader } from '../model/store-reader.ts'
import type { MeterStats } from './meter.ts'

/** What a process last wrote about itself, for tools that look at the store from outside. */
export interface ProcessReport {
  readonly host: string
  readonly pid: number
  readonly startedAtMs: number
  /** When it wrote this, by its clock. */
  readonly atMs: number
  readonly hasEnded: boolean
  readonly calls: MeterStats['calls']
  readonly delivery: MeterStats['delivery']
  readonly settings: ReportedSettings
}

/** The settings of a process with which a tool computes what the process will do. */
export interface ReportedSettings {
  readonly rollups: readonly Rollup[]
  readonly graceMs: number
  readonly maxRequestsPerDay: number
}

/** Reports that a process wrote, newest first. */
type Reports = Record<string, ProcessReport>

export interface ProcessNote {
  /** Writes the note if the last time was a minute ago. Never rejects. */
  writeIfDue(): Promise<void>
  /** Writes the note for the last time. Never rejects. */
  end(): Promise<void>
}

const name = 'processes'
/** The interval of writing, 60000 ms (1 minute) of real time: a test that moves its clock by weeks must not write for each minute. */
const everyMs = 60_000
/** The delay after which a process looks whether another one replaced its report: 1000 to 2000 ms (1 to 2 seconds). */
const checkMs = 1_000
/** A crash loop must not make the note grow without limit. The reports of the processes that wrote last stay. */
const mostReports = 200

function isReports(value: unknown): value is Reports {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Creates the note in which each process of a store writes about itself. Processes replace each other's note: if two write at the
 * same moment, the report of one is missing. That process notices it and writes again.
 */
export function createProcessNote({
  store,
  clock,
  settings,
  stats,
  network = systemClock,
}: {
  store: Store
  clock: Clock
  settings: ReportedSettings
  stats(): MeterStats
  network?: Clock
}): ProcessNote {
  const id = randomBytes(6).toString('hex')
  const note = createNote(store, name, isReports)
  const { rollups, graceMs, maxRequestsPerDay } = settings
  const startedAtMs = clock.now()
  let writtenAtMs = Number.NEGATIVE_INFINITY
  let hasEnded = false
  let cancelCheck = () => {}

  async function write(): Promise<void> {
    writtenAtMs = network.elapsed()
    cancelCheck()
    const { calls, delivery } = stats()
    const report: ProcessReport = {
      ...{ host: hostname(), pid: process.pid, startedAtMs, atMs: clock.now(), hasEnded },
      ...{ calls, delivery, settings: { rollups, graceMs, maxRequestsPerDay } },
    }
    const others = Object.entries((await note.read()) ?? {}).filter(([other]) => other !== id)
    await note.write(Object.fromEntries([[id, report] as const, ...others].slice(0, mostReports)))
    if (!hasEnded) cancelCheck = network.setTimer(() => void quietly(check()), checkMs * (1 + Math.random()))
  }

  async function check(): Promise<void> {
    const reports = (await note.read()) ?? {}
    // Of more processes than the note has room for, some are always missing.
    if (!Object.hasOwn(reports, id) && Object.keys(reports).length < mostReports) await write()
  }

  // Nothing depends on the note. A store that fails is reported by the part of the meter that needs it.
  const quietly = (writing: Promise<void>) => writing.catch(() => {})

  return {
    async writeIfDue() {
      if (store.durable && network.elapsed() - writtenAtMs >= everyMs) await quietly(write())
    },
    async end() {
      hasEnded = true
      if (store.durable && writtenAtMs > Number.NEGATIVE_INFINITY) await quietly(write())
    },
  }
}

/** Returns what the processes of a store wrote about themselves, newest first. It is at most a minute old for those that run. */
export async function readProcesses(reader: Pick<StoreReader, 'readNote'>): Promise<ProcessReport[]> {
  return Object.values((await readNote(reader, name, isReports)) ?? {})
}

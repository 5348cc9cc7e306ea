import { resolve } from 'node:path'
import type { StoreReader } from '@px-usage/core/adapter'
import type { DayRange } from '../arguments/day-range.ts'
import { failedError, usageError } from '../exit-codes.ts'
import type { OutputStream } from '../output.ts'
import {
  type ExportedEvent,
  type ExportTally,
  exportedEvents,
  isChosen,
  type LineChoice,
  newTally,
} from './exported-events.ts'
import { dataCenters, LoaderFiles } from './loader-files.ts'
import { createColumns, createSpreadsheet } from './spreadsheet.ts'
import { fileTarget, streamTarget } from './text-target.ts'

export const exportFormats = ['ndjson', 'loader', 'csv'] as const
export type ExportFormat = (typeof exportFormats)[number]

export interface WrittenFile {
  readonly path: string
  /** Only for the data loader. */
  readonly config?: string
  readonly events: number
}

interface ExportRequest {
  readonly range: DayRange
  readonly format: ExportFormat
  readonly lines: LineChoice
  /** Where to write; `undefined` for stdout. A folder for the data loader. */
  readonly path: string | undefined
  readonly cwd: string
  readonly stdout: OutputStream
  /** The region for the data loader. Without it, the address of the namespace decides. */
  readonly region: string | undefined
  readonly signal: AbortSignal
  /** Whether the events are counted before they are written, so that the time left is known. A table always counts them. */
  readonly countsFirst: boolean
  /** Called for each event that was counted. */
  onCounted(): void
  /** Called once the number of events is known, before the first is written. */
  onTotal(events: number): void
  onEvent(): void
}

interface Exported {
  readonly tally: ExportTally
  readonly files: readonly WrittenFile[]
}

/**
 * Writes the events of a range. Files are complete, or are not there.
 *
 * @throws {CommandError} if they cannot be written or the command is interrupted
 */
export async function exportEvents(
  reader: Pick<StoreReader, 'lines' | 'namespace'>,
  request: ExportRequest,
): Promise<Exported> {
  const { format, path, cwd, stdout } = request
  const to = path === undefined ? undefined : resolve(cwd, path)
  if (request.countsFirst && format !== 'csv') await countEvents(reader, request)
  if (format === 'loader') return exportForLoader(reader, request, to ?? cwd)
  const names = format === 'csv' ? await columnsOf(reader, request) : []
  const target = to === undefined ? streamTarget(stdout) : fileTarget(to)
  try {
    const sheet = format === 'csv' ? createSpreadsheet(target, names) : undefined
    const tally = await each(reader, request, (event) => {
      if (sheet === undefined) target.write(`${event.body}\n`)
      else sheet.add(event)
      request.onEvent()
    })
    target.finish()
    return { tally, files: to === undefined ? [] : [{ path: to, events: tally.events }] }
  } finally {
    target.discard()
  }
}

async function countEvents(
  reader: Pick<StoreReader, 'lines'>,
  { range, lines, signal, onCounted, onTotal }: ExportRequest,
): Promise<void> {
  let events = 0
  for await (const line of reader.lines(range.first, range.last)) {
    if (signal.aborted) throw interrupted()
    if (line.kind !== 'event' || !isChosen(line, lines)) continue
    events += 1
    onCounted()
  }
  onTotal(events)
}

/** Reads the events a first time, because the columns of a table come before its rows. */
async function columnsOf(reader: Pick<StoreReader, 'lines'>, request: ExportRequest): Promise<string[]> {
  const columns = createColumns()
  const { events } = await each(reader, request, (event) => {
    columns.see(event)
    request.onCounted()
  })
  request.onTotal(events)
  return columns.names()
}

async function exportForLoader(
  reader: Pick<StoreReader, 'lines' | 'namespace'>,
  request: ExportRequest,
  folder: string,
): Promise<Exported> {
  const files = new LoaderFiles(folder, dataCenterOf(request.region, reader.namespace.destination))
  try {
    const tally = await each(reader, request, (event) => {
      files.add(event)
      request.onEvent()
    })
    return { tally, files: files.finish().map(({ csv, config, events }) => ({ path: csv, config, events })) }
  } finally {
    files.discard()
  }
}

/** The destination of a namespace begins with the host of PX. */
function dataCenterOf(region: string | undefined, destination: string): string {
  const byHost = /^api-(eu|us2)\.aptrinsic\.com/.exec(destination)?.[1] ?? 'us'
  const dataCenter = dataCenters[region ?? byHost]
  if (dataCenter !== undefined) return dataCenter
  throw usageError(`--region ${region}: the data loader knows us, eu and us2.`)
}

async function each(
  reader: Pick<StoreReader, 'lines'>,
  { range, lines, signal }: ExportRequest,
  visit: (event: ExportedEvent) => void,
): Promise<ExportTally> {
  const tally = newTally()
  for await (const event of exportedEvents(reader, range, lines, tally)) {
    if (signal.aborted) throw interrupted()
    visit(event)
  }
  return tally
}

const interrupted = () => failedError('Interrupted. No file was written.')

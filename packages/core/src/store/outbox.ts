import { join } from 'node:path'
import { frameSeed } from '../counting/journal-frames.ts'
import { quoted, UsageError } from '../errors.ts'
import { leaseMs, maxKnownPuts } from './claim-rules.ts'
import { type Disk, makeFolder, namesIn, syncContent, syncFolder, writeWhole } from './disk.ts'
import { encodeHeader, encodeLine, newHeader } from './line-file.ts'
import { BitSet, type OutboxFile, readLine, type TouchedLine } from './outbox-file.ts'
import { newerOutbox, type OutboxClock, OutboxFiles, untouchedFile } from './outbox-files.ts'
import { OutboxHistory } from './outbox-history.ts'
import { RejectedLines } from './rejected-lines.ts'
import { beginStateLog, readStateLog, type StateLog } from './state-log.ts'
import type { Claim, ClaimedLine, OutboxCounts, OutboxLine, RejectedLine, Settlement } from './store.ts'

export interface OutboxSettings {
  disk: Disk
  dir: string
  epoch: number
  clock: OutboxClock
  /** Something cannot be read, in whole or in part. */
  onDamage(path: string, what: string): void
}

/** A log is begun anew when it has grown by so much and by twice what it began with. */
const freshLogBytes = 1024 * 1024
/** A file of single lines goes when it is so long and all of them are done. */
const longPutsBytes = 16 * 1024 * 1024

export function outboxFolder(dir: string): string {
  return join(dir, 'outbox')
}

/**
 * The lines that wait to be sent, as their one sender sees them: bodies stay on the disk, in memory is what was touched.
 *
 * Every change is in the log before it takes effect.
 */
export class Outbox {
  readonly #settings: OutboxSettings
  readonly #disk: Disk
  readonly #folder: string
  readonly #files: OutboxFiles
  readonly #known = new Set<string>()
  readonly #claimed = new Map<string, TouchedLine>()
  readonly #rejected: RejectedLines
  #log: StateLog | undefined
  #logLimit = 0
  #puts: OutboxFile | undefined
  #delivered = 0
  #refused = 0

  private constructor(settings: OutboxSettings) {
    const { disk, dir, clock, epoch, onDamage } = settings
    this.#settings = settings
    this.#disk = disk
    this.#folder = outboxFolder(dir)
    this.#files = new OutboxFiles({ disk, folder: this.#folder, clock, onDamage })
    this.#rejected = new RejectedLines(disk, this.#folder, epoch)
  }

  /** Reads what earlier senders left, and begins a log of its own. */
  static async open(settings: OutboxSettings): Promise<Outbox> {
    const outbox = new Outbox(settings)
    makeFolder(settings.disk, outbox.#folder)
    try {
      await outbox.#load()
    } catch (error) {
      outbox.close()
      throw error
    }
    return outbox
  }

  counts(): OutboxCounts {
    const { unknown } = this.#files
    let open = 0
    for (const file of this.#files.all) open += file.open
    return {
      closed: this.#delivered + this.#refused + open,
      delivered: this.#delivered,
      pending: open - unknown,
      unknown,
      rejected: this.#refused,
    }
  }

  /** Somebody removed the folder: what this process knows of it is not true any more. */
  get isGone(): boolean {
    return this.#log?.isGone ?? true
  }

  async #load(): Promise<void> {
    const disk = this.#disk
    const history = new OutboxHistory()
    const { how, path } = await readStateLog(disk, this.#folder, (change) => history.apply(change))
    if (how === 'newer') throw newerOutbox(path)
    this.#delivered = history.delivered
    this.#refused = history.rejected
    for (const id of history.known) this.#remember(id)
    const names = namesIn(disk, this.#folder)
    const lineFiles = names.filter((name) => name.endsWith('.lines'))
    const isLost = how === 'damaged' || (how === 'missing' && lineFiles.length > 0)
    if (isLost) {
      const what = 'what became of the lines that wait, so they are taken for possibly sent'
      this.#settings.onDamage(path, what)
    }
    for (const name of names)
      if (name.includes('.tmp')) disk.rmSync(join(this.#folder, name), { force: true })
    for (const name of lineFiles) {
      const record = history.of(name)
      record.isSuspect ||= isLost
      await this.#files.open(name, this.#files.nextNumber(), record, (id) => this.#remember(id))
    }
    await this.#beginLog()
  }

  /** Takes in the file of a day that was closed since. */
  async addFile(name: string): Promise<void> {
    const number = this.#files.nextNumber()
    this.#log?.append(['file', number, name])
    await this.#files.open(name, number, untouchedFile(), () => {})
  }

  #remember(id: string): void {
    this.#known.add(id)
    if (this.#known.size > maxKnownPuts) this.#known.delete(this.#known.values().next().value as string)
  }

  async put(lines: readonly OutboxLine[]): Promise<void> {
    const ids = new Set<string>()
    const added = lines.filter(({ id }) => !this.#known.has(id) && !ids.has(id) && ids.add(id))
    if (added.length === 0) return
    const file = this.#puts ?? (await this.#beginPuts())
    const seed = frameSeed(file.header.id)
    const frames = added.map((line) => encodeLine(line, seed))
    try {
      writeWhole(this.#disk, file.file, Buffer.concat(frames), file.size)
      await syncContent(this.#disk, file.file)
    } catch (error) {
      this.#disk.ftruncateSync(file.file, file.size)
      throw error
    }
    for (const [place, line] of added.entries()) {
      this.#files.append(file, line, (frames[place] as Buffer).length)
      this.#remember(line.id)
    }
  }

  async #beginPuts(): Promise<OutboxFile> {
    const header = newHeader({})
    const name = `put.${header.id}.lines`
    const path = join(this.#folder, name)
    const number = this.#files.nextNumber()
    const bytes = encodeHeader(header)
    const aside = `${path}.tmp`
    const file = this.#disk.openSync(aside, 'wx+', 0o600)
    try {
      writeWhole(this.#disk, file, bytes, 0)
      this.#disk.renameSync(aside, path)
      await syncFolder(this.#disk, this.#folder)
      this.#log?.append(['file', number, name])
    } catch (error) {
      this.#disk.closeSync(file)
      for (const name of [aside, path]) this.#disk.rmSync(name, { force: true })
      throw error
    }
    this.#puts = {
      ...{ name, path, file, number, header, headerEnd: bytes.length, size: bytes.length },
      end: { lines: 0, totals: 0, detailsAt: bytes.length },
      open: 0,
      done: new BitSet(),
      touched: new Map(),
      isSuspect: false,
      chunk: Buffer.alloc(0),
      chunkAt: 0,
    }
    this.#files.begin(this.#puts)
    return this.#puts
  }

  async claim(limit: number): Promise<Claim> {
    const lines: ClaimedLine[] = []
    while (lines.length < limit) {
      const next = await this.#files.next()
      if (next === undefined) break
      const { line, touched } = next
      const { state, attempts, attemptedAtMs } = touched
      touched.isClaimed = true
      this.#files.wait(touched, leaseMs)
      this.#claimed.set(line.id, touched)
      lines.push({ ...line, state, attempts, attemptedAtMs })
    }
    return { lines, nextDueInMs: this.#files.nextDueInMs() }
  }

  #linesOf(ids: readonly string[]): TouchedLine[] {
    if (new Set(ids).size < ids.length) {
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `A line stands twice in ${quoted(ids.join())}.`)
    }
    return ids.map((id) => {
      const line = this.#claimed.get(id)
      if (line !== undefined) return line
      throw new UsageError('PXU_ERR_STORE_UNAVAILABLE', `The line ${quoted(id)} was not claimed.`)
    })
  }

  async markAttempts(ids: readonly string[], atMs: number): Promise<void> {
    const lines = this.#linesOf(ids)
    const refs = lines.map(({ file, index, offset }) => [file.number, index, offset] as const)
    this.#log?.append(['attempt', atMs, refs])
    await this.#log?.sync()
    for (const line of lines) {
      this.#files.move(line, 'unknown')
      line.attempts += 1
      line.attemptedAtMs = atMs
    }
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    const lines = this.#linesOf(settlements.map(({ id }) => id))
    const settled = settlements.map((settlement, place) => ({
      settlement,
      touched: lines[place] as TouchedLine,
      waitMs: 'waitMs' in settlement ? settlement.waitMs : 0,
    }))
    const nowMs = this.#settings.clock.now()
    const refused: RejectedLine[] = []
    for (const { settlement, touched } of settled) {
      if (settlement.state !== 'rejected') continue
      const line = await readLine(this.#disk, touched)
      refused.push({ ...line, reason: settlement.reason, rejectedAtMs: nowMs })
    }
    await this.#rejected.add(refused)
    // So that an outage fills no disk, no word of a line that was only given back, nor until when an unknown one waits.
    const news = settled.filter(({ settlement: { state }, touched, waitMs }) => {
      return state !== touched.state || (state === 'pending' && waitMs > 0)
    })
    const entries = news.map(({ settlement: { state }, touched: { file, index, offset }, waitMs }) => {
      return [file.number, index, offset, state, waitMs > 0 ? nowMs + waitMs : 0] as const
    })
    if (entries.length > 0) this.#log?.append(['settle', entries])
    for (const { settlement, touched, waitMs } of settled) {
      this.#claimed.delete(settlement.id)
      touched.isClaimed = false
      if (settlement.state === 'pending' || settlement.state === 'unknown') {
        this.#files.move(touched, settlement.state)
        this.#files.wait(touched, waitMs)
        continue
      }
      this.#files.move(touched, 'done')
      if (settlement.state === 'delivered') this.#delivered += 1
      else this.#refused += 1
      if (touched.file.open === 0) this.#finish(touched.file)
    }
    if ((this.#log?.size ?? 0) > this.#logLimit) await this.#beginLog()
  }

  /** All lines of a file are done. Of a closed day the head stays: it tells what the day contained. */
  #finish(file: OutboxFile): void {
    if (file === this.#puts && file.size < longPutsBytes) return
    if (file.header.day === undefined) {
      if (file === this.#puts) this.#puts = undefined
      // The next log has its ids; the file goes when that one stands.
      this.#logLimit = 0
      return
    }
    try {
      this.#disk.ftruncateSync(file.file, file.headerEnd)
      this.#log?.append(['gone', file.number])
    } catch {
      // Next time it is opened it is finished at once.
    }
    this.#files.close(file)
  }

  async #beginLog(): Promise<void> {
    const before = this.#log
    const finished = [...this.#files.all].filter((file) => file.open === 0 && file !== this.#puts)
    for (const file of finished) this.#files.close(file)
    this.#log = await beginStateLog(this.#disk, this.#folder, this.#settings.epoch, {
      delivered: this.#delivered,
      rejected: this.#refused,
      known: [...this.#known],
      files: this.#files.records(),
    })
    this.#logLimit = this.#log.size * 2 + freshLogBytes
    before?.close()
    for (const { path } of finished) this.#disk.rmSync(path, { force: true })
  }

  close(): void {
    for (const file of [...this.#files.all]) this.#files.close(file)
    this.#rejected.close()
    this.#log?.close()
    this.#log = undefined
  }
}

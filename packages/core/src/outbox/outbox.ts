import { join } from 'node:path'
import type { DamagedFiles } from '../files/damaged-files.ts'
import { type Disk, makeFolder, namesIn } from '../files/disk.ts'
import type {
  Claim,
  OutboxCounts,
  OutboxLine,
  RejectedCommand,
  RejectedLine,
  Settlement,
} from '../model/outbox-line.ts'
import { outboxFolder } from './line-file.ts'
import { LineStates } from './line-states.ts'
import { beginPutFile, type OutboxFile, readLine, type TouchedLine, writeLines } from './outbox-file.ts'
import { type OutboxClock, OutboxFiles } from './outbox-files.ts'
import { beginStateLog, emptyRecord, type OutboxReplay, type StateLog } from './outbox-log.ts'
import { lineFilesIn, readWaitingLines, replayLog } from './read-outbox.ts'
import { RejectedLines, readRejectedLines, readReview } from './rejected-lines.ts'
import { defaultSentBytes, SentLines } from './sent/keep-sent-lines.ts'

export interface OutboxSettings {
  disk: Disk
  dir: string
  epoch: number
  clock: OutboxClock
  damaged: DamagedFiles
  /** Whether the folder was replaced while it was in use. If so, its log may be out of date. */
  isReplaced: boolean
  /** The most bytes of delivered lines that are kept; 268435456 (256 MiB) by default. */
  keepSentBytes?: number | undefined
}

/** A new log is started when the current one has grown by this much plus its initial size. */
const freshLogBytes = 1024 * 1024
/** A file of single lines is removed when it has this size and all lines are settled. */
const longPutsBytes = 16 * 1024 * 1024
/** Number of executed commands that are remembered. One stays in the inbox only from its execution to its removal. */
const mostCommands = 100

/**
 * The outbox of the process that sends. Bodies stay on the disk; memory has only lines with an attempt.
 *
 * Every change is recorded in the log before it takes effect.
 */
export class Outbox {
  readonly #settings: OutboxSettings
  readonly #disk: Disk
  readonly #folder: string
  readonly #states: LineStates<TouchedLine>
  readonly #files: OutboxFiles
  readonly #rejected: RejectedLines
  readonly #sent: SentLines
  #log: StateLog | undefined
  #logLimit = 0
  #puts: OutboxFile | undefined
  /** Resolves when the tasks so far have ended. Never rejects. */
  #last: Promise<void> = Promise.resolve()
  /** Ids of the commands of operators that were executed last. */
  #commands: readonly string[] = []

  private constructor(settings: OutboxSettings, replay: OutboxReplay) {
    const { disk, dir, clock, epoch, damaged, keepSentBytes } = settings
    this.#settings = settings
    this.#disk = disk
    this.#folder = outboxFolder(dir)
    this.#states = new LineStates(clock, replay)
    this.#files = new OutboxFiles({ disk, folder: this.#folder, clock, damaged, states: this.#states })
    this.#rejected = new RejectedLines(disk, this.#folder, epoch)
    this.#sent = new SentLines({ disk, dir, clock, keepBytes: keepSentBytes ?? defaultSentBytes })
  }

  /** Reads what earlier leaders left, and starts a log of its own. */
  static async open(settings: OutboxSettings): Promise<Outbox> {
    const { disk, dir, damaged, isReplaced } = settings
    const folder = outboxFolder(dir)
    makeFolder(disk, folder)
    const replay = await replayLog(disk, folder, damaged)
    replay.isLost ||= isReplaced
    const outbox = new Outbox(settings, replay)
    try {
      await outbox.#load(replay)
    } catch (error) {
      outbox.close()
      throw error
    }
    return outbox
  }

  counts(): OutboxCounts {
    return this.#states.counts()
  }

  /** Whether the folder was removed or replaced, so that what this process knows of it is out of date. */
  get isGone(): boolean {
    return this.#log?.isGone ?? true
  }

  async #load(replay: OutboxReplay): Promise<void> {
    const disk = this.#disk
    for (const id of replay.known) this.#states.remember(id)
    this.#commands = replay.commands
    for (const name of namesIn(disk, this.#folder).filter((one) => one.includes('.tmp'))) {
      disk.rmSync(join(this.#folder, name), { force: true, recursive: true })
    }
    // The ids of the newest single lines must be remembered, whatever the names of their files: they may be put again after a crash.
    for (const name of replay.inOrder(lineFilesIn(disk, this.#folder))) {
      await this.#files.open(name, this.#files.nextNumber(), replay.of(name))
    }
    await this.#beginLog()
  }

  /** Returns whether a file of lines has lines left to send, or may have. */
  needs = (name: string): boolean => this.#files.needs(name)

  /** Adds the file of a day that was just closed. */
  addFile(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const number = this.#files.nextNumber()
      this.#log?.append(['file', number, name])
      await this.#files.open(name, number, emptyRecord())
    })
  }

  async put(lines: readonly OutboxLine[]): Promise<void> {
    const ids = new Set<string>()
    const isNew = ({ id }: OutboxLine) => !this.#states.known.has(id) && !ids.has(id) && ids.add(id)
    await this.#inTurn(() => this.#write(lines.filter(isNew)))
  }

  /** Runs a task behind the earlier ones: writes would overwrite each other, and a new log would not name a file that is added meanwhile. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    const run = this.#last.then(task)
    this.#last = run.catch(() => {})
    return run
  }

  async #write(added: readonly OutboxLine[]): Promise<void> {
    // Once the outbox is closed, another file may have the descriptor.
    if (this.#log === undefined) throw new Error('The outbox was closed meanwhile.')
    if (added.length === 0) return
    const file = this.#puts ?? (await this.#beginPuts())
    const lengths = await writeLines(this.#disk, file, added, () => this.#files.all.has(file))
    for (const [place, line] of added.entries()) {
      this.#files.append(file, line, lengths[place] as number)
      this.#states.remember(line.id)
    }
  }

  async #beginPuts(): Promise<OutboxFile> {
    const puts = await beginPutFile(
      this.#disk,
      this.#folder,
      this.#files.nextNumber(),
      ({ number, name }) => {
        this.#log?.append(['file', number, name])
      },
    )
    this.#puts = puts
    this.#files.begin(puts)
    return puts
  }

  async claim(limit: number): Promise<Claim> {
    const lines: Claim['lines'] = []
    await this.#files.retryUnread()
    while (lines.length < limit) {
      const next = await this.#files.next().catch((error: unknown) => {
        // The lines that are claimed by now can be sent.
        if (lines.length === 0) throw error
        return undefined
      })
      if (next === undefined) break
      lines.push(this.#states.claim(next.touched, next.line))
    }
    // A file whose last lines could not be read is finished.
    for (const file of [...this.#files.all]) if (file.open === 0) await this.#finish(file)
    await this.#shortenLog()
    return { lines, nextDueInMs: this.#states.nextDueInMs() }
  }

  async markAttempts(ids: readonly string[], atMs: number): Promise<void> {
    const lines = this.#states.claimed(ids)
    const refs = lines.map(({ file, index, offset }) => [file.number, index, offset] as const)
    this.#log?.append(['attempt', atMs, refs])
    await this.#log?.sync()
    this.#states.attempt(lines, atMs)
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    const lines = this.#states.claimed(settlements.map(({ id }) => id))
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
    // To bound the growth of the log during an outage, it has no entry for a line that was only released, nor for the due time
    // of an unconfirmed line.
    const news = settled.filter(({ settlement: { state }, touched, waitMs }) => {
      return state !== touched.state || (state === 'pending' && waitMs > 0)
    })
    const entries = news.map(({ settlement: { state }, touched: { file, index, offset }, waitMs }) => {
      return [file.number, index, offset, state, waitMs > 0 ? nowMs + waitMs : 0] as const
    })
    if (entries.length > 0) this.#log?.append(['settle', entries])
    for (const { settlement, touched } of settled) {
      if (!this.#states.settle(touched, settlement)) continue
      this.#files.end(touched, settlement.state === 'delivered')
    }
    for (const file of new Set(lines.map(({ file }) => file))) if (file.open === 0) await this.#finish(file)
    await this.#shortenLog()
  }

  /**
   * Executes a command of an operator. It may run again after a crash: lines that wait already are not added again, and the counts
   * change once.
   */
  async changeRejected({ id, kind, lines }: RejectedCommand): Promise<void> {
    if (this.#commands.includes(id)) return
    const wanted = new Set(lines)
    const found: OutboxLine[] = []
    for await (const { reason: _, rejectedAtMs: __, ...line } of readRejectedLines(
      this.#disk,
      this.#folder,
    )) {
      if (wanted.has(line.id)) found.push(line)
    }
    if (kind === 'redeliver' && found.length > 0) {
      const waiting = new Set<string>()
      for await (const { id } of readWaitingLines(this.#disk, this.#settings.dir)) {
        if (wanted.has(id)) waiting.add(id)
      }
      await this.#inTurn(() => this.#write(found.filter(({ id }) => !waiting.has(id))))
    }
    const before = await readReview(this.#disk, this.#folder, id)
    const review = before ?? { command: id, lines: found.map(({ id }) => id) }
    if (before === undefined) await this.#rejected.review(review)
    this.#log?.append(['command', id, review.lines.length])
    this.#commands = [...this.#commands, id].slice(-mostCommands)
    this.#states.count('rejected', -review.lines.length)
  }

  /** Handles a file whose lines are all settled. The header of a closed day stays, because it says what the day contained. */
  async #finish(file: OutboxFile): Promise<void> {
    if (file === this.#puts && file.size < longPutsBytes) return
    if (file.header.day === undefined) {
      if (file === this.#puts) this.#puts = undefined
      // The next log has its ids; the file is removed once that log is written.
      this.#logLimit = 0
      return
    }
    await this.#sent.keep(file)
    if (!this.#files.cutOff(file)) return
    try {
      this.#log?.append(['gone', file.number])
    } catch {
      // A later process finds a file without lines.
    }
  }

  /** Starts a new log if the current one is long. If that fails, the current one stays in use: the lines are settled in it. */
  async #shortenLog(): Promise<void> {
    if ((this.#log?.size ?? 0) <= this.#logLimit) return
    await this.#inTurn(async () => {
      if (this.#log === undefined) return
      await this.#beginLog()
      await this.#files.removeFinished(this.#puts, (file) => this.#sent.keep(file))
    }).catch(() => {})
  }

  async #beginLog(): Promise<void> {
    const before = this.#log
    const { delivered, rejected } = this.#states.counts()
    // The log includes finished files: until they are removed, a later process must not take them for new ones.
    this.#log = await beginStateLog(this.#disk, this.#folder, this.#settings.epoch, {
      delivered,
      rejected,
      known: [...this.#states.known],
      commands: [...this.#commands],
      files: this.#files.records(),
    })
    this.#logLimit = this.#log.size * 2 + freshLogBytes
    before?.close()
  }

  close(): void {
    for (const file of [...this.#files.all]) this.#files.close(file)
    this.#rejected.close()
    this.#log?.close()
    this.#log = undefined
  }
}

import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { CountBatch, StoreContext } from '@px-usage/core'
import {
  type Disk,
  diskError,
  type LivenessMark,
  openShippingFolder,
  prepareShippingRoot,
  type ShippingFolder,
  showAlive,
  storeError,
  sweepSockets,
  thisHost,
} from '@px-usage/core/adapter'
import { AdoptedJournals, placeOf } from './adopted-journals.ts'
import { type Joined, JournalShipper } from './journal-shipper.ts'

/**
 * How often counts are sent to Redis, about 15000 ms (15 seconds). The folder keeps them meanwhile, so a longer time than without it costs
 * nothing and spares Redis: a series that changes all the time is sent once.
 */
const shipEveryMs = 15_000
/** The delay before a folder that failed is used again, 60000 ms (1 minute). Meanwhile counts are sent to Redis from memory. */
const retryMs = 60_000

export interface LocalCountsSettings {
  disk: Disk
  dir: string
  keyPrefix: string
  namespace: string
  /** The id of this process in the fleet and of its journal. */
  me: string
  context: StoreContext
}

interface OpenFolder {
  readonly folder: ShippingFolder
  readonly mark: LivenessMark
  readonly adopted: AdoptedJournals
}

/** The counts in the folder of this host that Redis does not have yet: those of this process, and those of dead ones. */
export class LocalCounts {
  readonly #settings: LocalCountsSettings
  readonly #home: string
  #open: OpenFolder | undefined
  #opening: Promise<void> | undefined
  #failedAtMs: number | undefined
  #joined: Joined | undefined
  #own: JournalShipper | undefined
  /** Settles when nothing is being sent. */
  #last: Promise<unknown> = Promise.resolve()
  #cancel = () => {}
  #isClosed = false

  constructor(settings: LocalCountsSettings) {
    const { dir, keyPrefix, namespace } = settings
    this.#settings = settings
    this.#home = join(resolve(dir), 'redis', folderName(keyPrefix, namespace))
  }

  /** Whether the folder cannot be used now. */
  get isFailing(): boolean {
    return this.#failedAtMs !== undefined
  }

  /** How long counts may stay in memory: until the end of the turn, unless the disk is slow. */
  get flushAfterMs(): number {
    return this.#open?.folder.isSlow() === true ? 20 : 0
  }

  /** Opens the folder. Resolves also if that fails, which it reports: counts then go to Redis from memory. */
  open(): Promise<void> {
    this.#opening ??= this.#openFolder().catch((error: unknown) => this.#failed(error))
    return this.#opening
  }

  async #openFolder(): Promise<void> {
    const { context, dir, disk, me } = this.#settings
    const { clock, diagnostics, timeZone } = context
    const onDamage = (path: string, what: string) =>
      diagnostics.report(
        { code: 'PXU_ERR_STORE_UNREADABLE', message: `A part of ${path} cannot be read: ${what}.` },
        { kind: path },
      )
    prepareShippingRoot(disk, resolve(dir), diagnostics)
    const mark = await showAlive({ disk, dir: this.#home, clock, onDamage }, me)
    void sweepSockets(disk, this.#home, clock.now())
    const place = placeOf(disk, this.#home)
    const folder = openShippingFolder({
      ...{ disk, dir: this.#home, clock, diagnostics, timeZone, journalId: me },
      writer: { host: thisHost.host, boot: place },
      onRescue: () => void mark.renew().catch(() => {}),
    })
    this.#open = {
      folder,
      mark,
      adopted: new AdoptedJournals({ disk, dir: this.#home, folder, place, me, clock }),
    }
  }

  #failed(error: unknown): void {
    const { context, dir } = this.#settings
    const isNew = this.#failedAtMs === undefined
    this.#failedAtMs = context.clock.elapsed()
    if (!isNew) return
    const { message } = diskError(`The folder ${dir} cannot be used.`, error)
    context.diagnostics.report({
      code: 'PXU_ERR_STORE_UNAVAILABLE',
      message: `${message} Until it can be used, counts that are not in Redis yet are only in memory. px-usage will retry every minute.`,
      cause: error,
    })
  }

  /** Returns whether the folder may work: it did, or it failed more than a minute ago. */
  #mayWork(): boolean {
    if (this.#failedAtMs === undefined) return true
    return this.#settings.context.clock.elapsed() - this.#failedAtMs >= retryMs
  }

  /**
   * Writes a batch to the journal.
   *
   * @returns whether the folder has it; if not, it is not written even in part
   * @throws {UsageError} if the disk fails after a part of the batch is written, so that it must be added here again
   */
  add(batch: CountBatch): boolean | Promise<boolean> {
    const open = this.#open
    if (open === undefined) return this.#addLater(batch)
    if (!this.#mayWork() && !open.folder.hasBegun(batch)) return false
    const refused = (error: unknown) => {
      this.#failed(error)
      if (open.folder.hasBegun(batch)) throw error
      return false
    }
    try {
      const rest = open.folder.add(batch)
      if (rest === undefined) return this.#accepted()
      return rest.then(() => this.#accepted(), refused)
    } catch (error) {
      return refused(error)
    }
  }

  async #addLater(batch: CountBatch): Promise<boolean> {
    if (this.#failedAtMs !== undefined && this.#mayWork()) this.#opening = undefined
    await this.open()
    return this.#open === undefined ? false : this.add(batch)
  }

  #accepted(): true {
    this.#failedAtMs = undefined
    return true
  }

  /** Begins to send: this process has joined the fleet. */
  join(joined: Joined): void {
    this.#joined = joined
    this.#shipLater(0)
  }

  #shipLater(delayMs: number): void {
    if (this.#isClosed) return
    this.#cancel = this.#settings.context.clock.setTimer(() => {
      void this.ship()
        .catch((error: unknown) => this.#reportWaiting(error))
        // Processes that were started together do not send at the same moment.
        .then(() => this.#shipLater(shipEveryMs * (0.8 + 0.4 * Math.random())))
    }, delayMs)
  }

  #reportWaiting(error: unknown): void {
    const { code, message } = storeError('Counts cannot be sent to Redis.', error)
    const text = `${message} Counts wait in ${this.#home}.`
    this.#settings.context.diagnostics.report({ code, message: text, cause: error })
  }

  /** Sends what was counted in the folder so far. @throws {UsageError} if Redis or the disk fails; then it stays in the folder */
  ship(): Promise<void> {
    return this.#alone(async () => {
      await this.#opening
      const open = this.#open
      const joined = this.#joined
      if (open === undefined || joined === undefined) return
      this.#own ??= this.#ownShipper(open, joined)
      await this.#own.ship()
      await open.adopted.ship(joined)
    })
  }

  /** Sends again what Redis has lost. @throws as `ship()` */
  check(): Promise<void> {
    return this.#alone(async () => {
      await this.#own?.check()
      await this.#open?.adopted.check()
    })
  }

  #alone(task: () => Promise<void>): Promise<void> {
    const done = this.#last.then(task).catch((error: unknown) => {
      throw storeError(
        'Counts cannot be sent to Redis.',
        diskError(`Cannot read or write in ${this.#home}; px-usage will retry.`, error),
      )
    })
    this.#last = done.catch(() => {})
    return done
  }

  #ownShipper({ folder }: OpenFolder, joined: Joined): JournalShipper {
    return new JournalShipper({
      ...joined,
      journal: folder.own,
      isOwn: true,
      freeze: (makeLines) => folder.freeze(makeLines),
      declare: (day) => joined.members.countsOn(day),
    })
  }

  /** Sends what it can, and closes the folder. @returns whether Redis has all counts of this process */
  async close(): Promise<boolean> {
    this.#isClosed = true
    this.#cancel()
    await this.#opening
    const open = this.#open
    if (open === undefined) return true
    let isDone = this.#joined !== undefined
    await this.ship().catch(() => {
      isDone = false
    })
    const forget = async () => {
      if (!isDone) return
      await this.#own?.forgetAdded()
      await open.adopted.forgetAdded()
    }
    await this.#alone(forget).catch(() => {})
    this.#open = undefined
    this.#own = undefined
    try {
      await open.folder.close()
    } finally {
      await open.mark.release().catch(() => {})
    }
    return isDone
  }
}

/** Returns the namespaces of a prefix whose processes left counts in a folder. */
export function namespacesIn(disk: Disk, dir: string, keyPrefix: string): string[] {
  const root = join(resolve(dir), 'redis')
  const hasCounts = (name: string) =>
    ['shipments', 'journals'].some((kind) =>
      filesBelow(disk, join(root, name, kind)).some((file) => /\.(log|lines)$/.test(file)),
    )
  return filesIn(disk, root)
    .filter((name) => name.startsWith(encodeURIComponent(`${keyPrefix}@`)) && hasCounts(name))
    .map((name) => decodeURIComponent(name).slice(keyPrefix.length + 1))
}

function filesBelow(disk: Disk, path: string): string[] {
  const names = filesIn(disk, path)
  return [...names, ...names.flatMap((name) => filesIn(disk, join(path, name)))]
}

/** Returns the names in a folder; none if it is missing or cannot be read. */
function filesIn(disk: Disk, path: string): string[] {
  try {
    return disk.readdirSync(path)
  } catch {
    return []
  }
}

/** A namespace contains a time zone with slashes. */
function folderName(keyPrefix: string, namespace: string): string {
  const name = encodeURIComponent(`${keyPrefix}@${namespace}`)
  if (name.length <= 200) return name
  return `${name.slice(0, 160)}.${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}

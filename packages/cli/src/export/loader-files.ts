import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { failedError, usageError } from '../exit-codes.ts'
import type { ExportedEvent } from './exported-events.ts'
import { fileTarget, type TextTarget } from './text-target.ts'

/** A CSV file for PX's data loader, and the file that tells the loader what its columns are. */
export interface LoaderFile {
  readonly csv: string
  readonly config: string
  readonly events: number
}

interface OpenFile {
  readonly name: string
  readonly columns: readonly string[]
  readonly target: TextTarget
  readonly config: object
  events: number
}

/** Regions by the names that the loader has for them. */
export const dataCenters: Readonly<Record<string, string>> = { us: 'US', eu: 'EU', us2: 'US2' }

/**
 * Writes events for PX's data loader (v1.3.5, github.com/aptrinsic/px-data-loader), which reads a CSV and a config file.
 *
 * The loader sends an empty cell of an attribute as an empty text, so events with different fields go to different files.
 */
export class LoaderFiles {
  readonly #folder: string
  readonly #dataCenter: string
  readonly #files = new Map<string, OpenFile>()

  /**
   * @param folder is created; it must be empty
   * @throws {CommandError} with exit code 2 if it is not empty, and 3 if it cannot be made
   */
  constructor(folder: string, dataCenter: string) {
    this.#folder = folder
    this.#dataCenter = dataCenter
    let names: string[]
    try {
      mkdirSync(folder, { recursive: true })
      names = readdirSync(folder)
    } catch (error) {
      throw failedError(`Cannot write to ${folder}: ${(error as Error).message}`, error)
    }
    if (names.length > 0)
      throw usageError(
        `${folder} is not empty. Give a new folder: what is in it could be loaded a second time.`,
      )
  }

  add({ fields }: ExportedEvent): void {
    const { eventName, identifyId, accountId, propertyKey, date, attributes = {} } = fields
    const cells: Record<string, unknown> = { identifyId, eventName, date }
    if (accountId !== undefined) cells.accountId = accountId
    for (const [name, value] of Object.entries(attributes)) cells[`attributes.${name}`] = value
    const key = JSON.stringify([eventName, propertyKey, Object.keys(cells).sort()])
    const file =
      this.#files.get(key) ?? this.#open(key, String(eventName), String(propertyKey), Object.keys(cells))
    file.target.write(rowOf(file.columns.map((column) => cells[column])))
    file.events += 1
  }

  #open(key: string, eventName: string, productKey: string, columns: readonly string[]): OpenFile {
    const plain = eventName.replace(/[^\w.-]/g, '_')
    const taken = [...this.#files.values()].map(({ name }) => name)
    let name = plain
    for (let number = 2; taken.includes(name); number++) name = `${plain}-${number}`
    const config = {
      // The key never appears in a file of px-usage. Without one, the loader says that it is missing.
      apiKey: '',
      productKey,
      dataCenter: this.#dataCenter,
      // Dates are epoch milliseconds, which have no zone.
      timezone: 'UTC',
      fieldMapping: { CUSTOM_EVENT: Object.fromEntries(columns.map((column) => [column, column])) },
    }
    const file = { name, columns, target: fileTarget(join(this.#folder, `${name}.csv`)), config, events: 0 }
    file.target.write(rowOf(columns))
    this.#files.set(key, file)
    return file
  }

  /** Completes the files, and writes their configs. */
  finish(): LoaderFile[] {
    return [...this.#files.values()].map(({ name, target, config, events }) => {
      target.finish()
      const path = join(this.#folder, `${name}.config.json`)
      const text = fileTarget(path)
      text.write(`${JSON.stringify(config, null, 2)}\n`)
      text.finish()
      return { csv: join(this.#folder, `${name}.csv`), config: path, events }
    })
  }

  discard(): void {
    for (const { target } of this.#files.values()) target.discard()
  }
}

/** Unlike a row for a spreadsheet it has ids as they are: PX would take an id with a `'` in front for another user. */
function rowOf(cells: readonly unknown[]): string {
  return stringify([cells], { cast: { boolean: String }, quoted_match: /\r/ })
}

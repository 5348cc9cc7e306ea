import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { callIdentify, type IdentifyResult, stableIdentity } from '@px-usage/core/adapter'
import { parse as csvParser } from 'csv-parse'
import { failedError, usageError } from '../exit-codes.ts'
import type { LogLine } from '../logs/log-line.ts'

/** Where the identity of a line comes from. */
export interface IdentitySource {
  /** A field of the log, a `.csv` file, or a module. */
  readonly identify: string
  /** The field by which a CSV file is searched. */
  readonly key: string
  /** The field with the account, beside a field with the user. */
  readonly account: string | undefined
}

/** Returns the identity of the caller of a line. Never throws. */
export type IdentifyLine = (line: LogLine) => IdentifyResult

/** What a module of the user receives. */
interface LoggedCall {
  readonly atMs: number
  readonly method: string
  readonly path: string
  readonly status: number
  /** All fields of the line, such as `remote_user` or `user_agent`. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Remembered identities. When there are more, all are forgotten, so that a log of any size fits. */
const maxRemembered = 200_000

/** Prepares to identify lines. @throws {CommandError} if the file or module cannot be used */
export async function createLogIdentity(source: IdentitySource, cwd: string): Promise<IdentifyLine> {
  const { identify, key, account } = source
  if (/\.csv$/i.test(identify)) return byCsv(await readIdentities(resolve(cwd, identify)), key)
  if (/\.[cm]?[jt]s$/i.test(identify)) return byModule(resolve(cwd, identify))
  return byFields(identify, account)
}

function byFields(user: string, account: string | undefined): IdentifyLine {
  const known = remembered((userKey: string, line: LogLine) =>
    stableIdentity({
      userId: line.field(user) ?? userKey,
      accountId: account === undefined ? undefined : line.field(account),
    }),
  )
  return (line) => {
    const userKey = line.rawField(user)
    if (userKey === undefined) return undefined
    return known(account === undefined ? userKey : `${userKey}\0${line.rawField(account) ?? ''}`, line)
  }
}

function byCsv(identities: ReadonlyMap<string, IdentifyResult>, key: string): IdentifyLine {
  const known = remembered((_: string, line: LogLine) => identities.get(line.field(key) ?? ''))
  return (line) => {
    const raw = line.rawField(key)
    return raw === undefined ? undefined : known(raw, line)
  }
}

/** Remembers results by the raw text of a field. A line of a log is a view into a piece of 1 MiB, so keys are copied. */
function remembered(
  find: (key: string, line: LogLine) => IdentifyResult,
): (key: string, line: LogLine) => IdentifyResult {
  let known = new Map<string, IdentifyResult>()
  return (key, line) => {
    const found = known.get(key)
    if (found !== undefined || known.has(key)) return found
    if (known.size >= maxRemembered) known = new Map()
    const made = find(key, line)
    known.set(Buffer.from(key, 'latin1').toString('latin1'), made)
    return made
  }
}

async function byModule(path: string): Promise<IdentifyLine> {
  let loaded: { default?: unknown; identify?: unknown }
  try {
    loaded = (await import(pathToFileURL(path).href)) as typeof loaded
  } catch (error) {
    throw failedError(`Cannot load the module ${path}: ${(error as Error).message}`, error)
  }
  const given = loaded.default ?? loaded.identify
  if (typeof given !== 'function') {
    throw usageError(`${path} has no default export. Export a function that returns { userId, accountId }.`)
  }
  const identify = given as (call: LoggedCall) => ReturnType<IdentifyLine>
  return (line) => {
    const { atMs, method, path, status } = line
    return callIdentify(identify as never, { atMs, method, path, status, fields: line.fields() })
  }
}

/** Reads a CSV file with the columns `key`, `userId` and, if there are accounts, `accountId`. */
async function readIdentities(path: string): Promise<Map<string, IdentifyResult>> {
  const identities = new Map<string, IdentifyResult>()
  const rows = csvParser({ columns: true, bom: true, trim: true, info: true })
  // `pipe` would not pass on that the file is missing. The loop below throws it.
  pipeline(createReadStream(path), rows, () => {})
  try {
    for await (const { record, info } of rows) {
      const { key, userId, accountId } = record as Record<string, string | undefined>
      const identity = stableIdentity({ userId: userId ?? '', accountId })
      if (key === undefined || key === '' || identity === undefined) {
        throw usageError(
          `${path}, line ${info.lines}: no key or userId. The columns are key,userId,accountId, named in the first line.`,
        )
      }
      identities.set(key, identity)
    }
  } catch (error) {
    if ((error as Error).name === 'CommandError') throw error
    throw failedError(`Cannot read ${path}: ${(error as Error).message}`, error)
  }
  return identities
}

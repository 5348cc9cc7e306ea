import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { RejectedLine, SeriesTotal, UsageDay, WaitingLine } from '@px-usage/express'

/** A line that waits, with the attempts that were recorded. */
export interface StoredLine extends WaitingLine {
  state: WaitingLine['state']
  attempts: number
  attemptedAtMs?: number
}

/** Everything that must survive the process. */
export interface Contents {
  days: Record<UsageDay, SeriesTotal[]>
  /** How often each day was closed. */
  revisions: Record<UsageDay, number>
  lines: StoredLine[]
  rejected: RejectedLine[]
  delivered: number
  /** Ids of the lines that `put` added, which it must not add again after their delivery. */
  known: string[]
  notes: Record<string, string>
}

export function readContents(path: string): Contents {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Contents
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { days: {}, revisions: {}, lines: [], rejected: [], delivered: 0, known: [], notes: {} }
  }
}

/** Replaces the file in one step: after a crash it has the old contents or the new ones, never a part of them. */
export function writeContents(path: string, contents: Contents): void {
  const file = openSync(`${path}.new`, 'w')
  try {
    writeSync(file, JSON.stringify(contents))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.new`, path)
}

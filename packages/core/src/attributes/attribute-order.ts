import { createNote, type Notes } from '../files/note.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'

/**
 * Prevents an older day's value from overwriting a newer one in PX.
 *
 * The outbox returns older days first. So only a line that failed on its own and waits for its retry can be overtaken; when PX is
 * down, all lines wait. Such a line is noted in the store before it is settled. While one waits, the newest day of its member
 * is noted before that value is put, so that after a crash it is still known which line is too old.
 */
export interface AttributeOrder {
  /** Runs `task` after all earlier tasks of the same member. */
  inTurn<T>(member: string, task: () => Promise<T>): Promise<T>
  /** Returns whether a newer day's value was put already. */
  isSuperseded(member: string, day: UsageDay): Promise<boolean>
  /** Notes that the value of this day is about to be put. */
  putting(member: string, day: UsageDay): Promise<void>
  /** Notes that the line waits for its retry, and may be overtaken. */
  waits(member: string, lineId: string): Promise<void>
  /** Notes that the line will not be sent again. */
  ended(member: string, lineId: string): void
}

/** The waiting lines of one member. */
interface Overtaken {
  /** The newest day that was put since; '' before the first one. */
  day: UsageDay
  /** The ids of the lines that wait. */
  lines: string[]
}

function isOvertaken(value: unknown): value is Array<[string, Overtaken]> {
  return (
    Array.isArray(value) &&
    value.every(
      (member) =>
        typeof member?.[0] === 'string' &&
        typeof member[1]?.day === 'string' &&
        Array.isArray(member[1].lines),
    )
  )
}

/** The most members that are remembered. For further ones, an older value may overwrite a newer one until the next day. */
const maxMembers = 10_000

/** Creates the order of attribute lines, with its notes in the store. */
export function createAttributeOrder(store: Notes): AttributeOrder {
  const note = createNote(store, 'attributes overtaken', isOvertaken)
  let watched: Map<string, Overtaken> | undefined
  const turns = new Map<string, Promise<void>>()

  async function recall(): Promise<Map<string, Overtaken>> {
    if (watched === undefined) {
      const noted = await note.read()
      watched ??= new Map(noted)
    }
    return watched
  }

  async function keep(members: Map<string, Overtaken>): Promise<void> {
    while (members.size > maxMembers) members.delete(members.keys().next().value as string)
    await note.write([...members])
  }

  return {
    async inTurn(member, task) {
      const turn = (turns.get(member) ?? Promise.resolve()).then(task)
      const ended = turn.then(
        () => {},
        () => {},
      )
      turns.set(member, ended)
      try {
        return await turn
      } finally {
        if (turns.get(member) === ended) turns.delete(member)
      }
    },

    async isSuperseded(member, day) {
      return ((await recall()).get(member)?.day ?? '') > day
    },

    async putting(member, day) {
      const members = await recall()
      const overtaken = members.get(member)
      if (overtaken === undefined || overtaken.day >= day) return
      overtaken.day = day
      await keep(members)
    },

    async waits(member, lineId) {
      const members = await recall()
      const overtaken = members.get(member) ?? { day: '', lines: [] }
      if (overtaken.lines.includes(lineId)) return
      overtaken.lines.push(lineId)
      members.set(member, overtaken)
      await keep(members)
    },

    ended(member, lineId) {
      const overtaken = watched?.get(member)
      if (overtaken === undefined) return
      overtaken.lines = overtaken.lines.filter((id) => id !== lineId)
      // The note is not written now. Until the next write it contains a line too many, which is harmless.
      if (overtaken.lines.length === 0) watched?.delete(member)
    },
  }
}

/** Returns the kind and id of a user or account as one text. */
export function memberKey(kind: OutboxLine['kind'], id: string): string {
  return JSON.stringify([kind, id])
}

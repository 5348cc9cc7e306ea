import { createNote, type Notes } from '../files/note.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { UsageDay } from '../model/series.ts'

/**
 * Keeps an older day's value from overwriting a newer one in PX.
 *
 * The outbox gives out older days first, so it takes a line that failed by itself and waits (not a PX that is down, which
 * makes all wait alike) to be overtaken. Such lines are noted in the store before they are settled, and as long as one
 * waits, the newest day of its member is noted before it is put: so it is known after a crash as well which line comes too late.
 */
export interface AttributeOrder {
  /** Runs `task` when all that was begun for the member before has ended. */
  inTurn<T>(member: string, task: () => Promise<T>): Promise<T>
  isSuperseded(member: string, day: UsageDay): Promise<boolean>
  /** The value of this day is about to be put. */
  putting(member: string, day: UsageDay): Promise<void>
  /** The line is put aside, and may be overtaken. */
  waits(member: string, lineId: string): Promise<void>
  /** The line will not be sent again. */
  ended(member: string, lineId: string): void
}

interface Overtaken {
  /** Newest day put since; '' if none was. */
  day: UsageDay
  /** Lines put aside. */
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
/** So many members are remembered; of those beyond, an older value may overwrite a newer one until the next day. */
const maxMembers = 10_000

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
      // The note forgets it with the next one that is written: till then it says too much, not too little.
      if (overtaken.lines.length === 0) watched?.delete(member)
    },
  }
}

/** Whom a line is about, as one text. */
export function memberKey(kind: OutboxLine['kind'], id: string): string {
  return JSON.stringify([kind, id])
}

import type { OutboxLine, RejectedLine } from '../model/outbox-line.ts'

/** What a line is about, as its frozen body says. */
export interface LineContents {
  /** `undefined` for a line that sets attributes. */
  readonly eventName: string | undefined
  /** `undefined` for the attributes of an account. */
  readonly userId: string | undefined
  readonly accountId: string | undefined
}

/** A line that PX refused: kept in the store, never sent again. */
export interface RejectedEvent extends RejectedLine, LineContents {}

/** Never throws: a body that cannot be read has no contents. */
export function contentsOf({ kind, body }: Pick<OutboxLine, 'kind' | 'body'>): LineContents {
  let fields: Record<string, unknown> = {}
  try {
    fields = Object(JSON.parse(body))
  } catch {
    // A line of a test, or of a version that froze something else.
  }
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    eventName: text(fields.eventName),
    userId: text(fields.identifyId),
    accountId: text(kind === 'account' ? fields.id : fields.accountId),
  }
}

export function rejectedEvent(line: RejectedLine): RejectedEvent {
  return { ...line, ...contentsOf(line) }
}

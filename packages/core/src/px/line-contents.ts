import type { OutboxLine, RejectedLine } from '../model/outbox-line.ts'

/** The event name and the identity of a line, read from its frozen body. */
export interface LineContents {
  /** `undefined` for a line that sets attributes. */
  readonly eventName: string | undefined
  /** `undefined` for the attributes of an account. */
  readonly userId: string | undefined
  readonly accountId: string | undefined
}

/** A line that PX refused. It stays in the store. Only an operator's command sends it again. */
export interface RejectedEvent extends RejectedLine, LineContents {}

/** Reads the contents of a line. It never throws; every field is `undefined` if the body cannot be read. */
export function contentsOf({ kind, body }: Pick<OutboxLine, 'kind' | 'body'>): LineContents {
  let fields: Record<string, unknown> = {}
  try {
    fields = Object(JSON.parse(body))
  } catch {
    // A custom store or another version of px-usage may have stored a body that is no JSON.
  }
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    eventName: text(fields.eventName),
    userId: text(fields.identifyId),
    accountId: text(kind === 'account' ? fields.id : fields.accountId),
  }
}

/** Returns a rejected line together with its contents. */
export function rejectedEvent(line: RejectedLine): RejectedEvent {
  return { ...line, ...contentsOf(line) }
}

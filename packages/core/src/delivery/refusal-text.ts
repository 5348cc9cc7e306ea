import { asSentence, quoted } from '../errors.ts'
import type { OutboxLine } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import { contentsOf } from '../px/line-contents.ts'
import { placeOf, shortened } from './waiting-text.ts'

/** Describes a refusal: what PX refused, why, and where the line is now. */
export function refusalText(
  line: OutboxLine,
  reason: string,
  { store, receiver = 'PX' }: { store: Pick<Store, 'durable' | 'place'>; receiver?: string },
): string {
  const { eventName, userId, accountId } = contentsOf(line)
  const what =
    line.kind === 'event'
      ? `the event ${quoted(eventName ?? line.id)} of the user ${quoted(userId ?? '')}`
      : `the attributes of the ${line.kind} ${quoted(userId ?? accountId ?? '')}`
  const where = store.durable
    ? `It is kept in ${placeOf(store)}`
    : 'It stays in memory until the process exits'
  return `${receiver} refused ${what} for ${line.day}. ${asSentence(shortened(reason))} ${where} (meter.rejected()) and is not sent again.`
}

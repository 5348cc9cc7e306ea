import { randomUUID } from 'node:crypto'
import { isKeyRefused, type PxClient, reasonOf, trackedLine } from '@px-usage/core/adapter'
import { type Check, failure, ok, unknown } from './check.ts'

export const writeName = 'Write permission'

/** The name and the user of the event that `--send-test-event` sends. */
const testEvent = { eventName: 'pxUsageTest', userId: 'px-usage-doctor' }

/** Says that only an event can show the permission. */
export function writeUnknown(): Check {
  return unknown(writeName, 'PX shows it only when something is written; --send-test-event sends one event')
}

/** Sends one event, which PX cannot delete. Sends nothing twice. */
export async function sendTestEvent(
  client: Pick<PxClient, 'request'>,
  { productKey, nowMs, day }: { productKey: string; nowMs: number; day: string },
): Promise<Check> {
  const { eventName, userId } = testEvent
  const { body } = trackedLine(
    { id: randomUUID(), eventName, identity: { userId }, properties: {}, day, atMs: nowMs },
    productKey,
  )
  const response = await client.request({ method: 'POST', path: '/v1/events/custom', body })
  const reason = reasonOf(response)
  if (!response.received) return unknown(writeName, reason.replace(/\.$/, ''))
  const { status } = response
  if (status === 201) return ok(writeName, `PX accepted the event ${eventName} of the user ${userId}.`)
  if (isKeyRefused(status)) {
    const cure = 'Give the key the Write permission in PX (Administration > REST API).'
    return failure(writeName, `PX refuses the test event (${status}).`, cure)
  }
  if (status === 429 || status >= 500) return unknown(writeName, reason.replace(/\.$/, ''))
  return failure(writeName, reason, 'Correct what PX names, such as the product key.')
}

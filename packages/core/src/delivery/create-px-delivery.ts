import { checkAttributes } from '../attributes/attribute-metadata.ts'
import type { AttributeNames } from '../attributes/attribute-values.ts'
import { type AttributeStats, createAttributePutter } from '../attributes/put-attributes.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { Rollup } from '../day/rollup.ts'
import type { Diagnostics } from '../diagnostics.ts'
import type { ClaimedLine } from '../model/outbox-line.ts'
import type { Store } from '../model/store.ts'
import { type DeliveryResult, isKeyRefused, resultOf } from '../px/delivery-result.ts'
import { createLookUp } from '../px/look-up-events.ts'
import { daysOfOtherSenders } from '../px/other-senders.ts'
import { createPxClient, type Dispatcher } from '../px/px-client.ts'
import type { BatchDelivery } from '../webhook/batch-delivery.ts'
import { createDailyBudget } from './daily-budget.ts'
import { createRateLimit } from './rate-limit.ts'
import type { SendLine } from './send-batch.ts'
import { createDelivery, type Delivery } from './send-outbox.ts'
import type { SenderState } from './sender-health.ts'

/** The settings of a meter that concern delivery to PX. */
export interface PxDeliverySettings {
  readonly baseUrl: string
  /** @throws {UsageError} when the app's own function fails or returns no key */
  readonly apiKey: () => string
  readonly dispatcher: Dispatcher | undefined
  readonly requestTimeoutMs: number
  /** Replaces PX: a webhook, or a function in tests. */
  readonly delivery: SendLine | BatchDelivery | undefined
  readonly dryRun: boolean
  readonly maxRequestsPerSecond: number
  readonly maxRequestsPerDay: number
  readonly startJitterMs: number
  readonly lookUp: boolean
  readonly lookUpAfterMs: number
  readonly clock: Clock
  /** Without them, other senders of their events are not searched for. */
  readonly rollups?: readonly Rollup[]
  /** Without it, no attributes are set. */
  readonly attributes?: AttributeNames & {
    readonly createMissing: boolean
    readonly running?: AttributeNames | undefined
  }
}

/** The state of the delivery to PX, as `stats()` returns it. */
export interface DeliveryState extends SenderState {
  /** Requests to PX since midnight UTC, including look-ups. After a crash the number is slightly too high. */
  requestsToday: number
  /** Requests that `maxRequestsPerDay` still allows today. */
  requestsLeft: number
  maxRequestsPerSecond: number
  attributes: AttributeStats
}

/** The delivery of a meter to PX. */
export interface PxDelivery extends Delivery {
  /**
   * Warns about attributes that PX does not declare, and about other instances that send for the same product, if the key has the
   * Read permission. @throws {UsageError} if the store fails
   */
  check(): Promise<void>
  /** Aborts open requests. Their lines become unconfirmed. */
  abort(): Promise<void>
  /**
   * Returns how many lines the day that closes now may have. With more, the outbox could not be sent within a day, so further
   * details are folded. A tenth of the daily budget is reserved for look-ups and retries.
   */
  linesForDay(): number
  /** Returns whether PX works and half of the daily budget is left, so that lines other than those of closed days may be sent. */
  isAtEase(): boolean
  state(): DeliveryState
}

const usableShare = 0.9
/** For a key that PX refuses to read with: PX does not say whether it is wrong or may only write. */
const keyAdvice =
  'Check PX_API_KEY, and PX_REGION: a key works in one region only. A key that only lacks the Read permission can send, but unconfirmed events cannot be looked up. `px-usage doctor --send-test-event` finds out which it is.'

/** Creates the delivery of a meter, from its outbox to PX. */
export function createPxDelivery(
  settings: PxDeliverySettings,
  {
    store,
    diagnostics,
    confirmClock,
  }: { store: Store; diagnostics: Diagnostics; confirmClock(epochMs: number): void },
): PxDelivery {
  const { clock, maxRequestsPerSecond, maxRequestsPerDay } = settings
  const budget = createDailyBudget({ notes: store, clock, perDay: maxRequestsPerDay })
  const rateLimit = createRateLimit({ clock: systemClock, budget, perSecond: maxRequestsPerSecond })
  const client = createPxClient({
    baseUrl: settings.baseUrl,
    apiKey: settings.apiKey,
    dispatcher: settings.dispatcher,
    timeoutMs: settings.requestTimeoutMs,
    clock: systemClock,
    onDate: confirmClock,
  })
  const given = settings.delivery
  const isPx = given === undefined
  const connection = typeof given === 'object' ? given.connect(settings) : undefined
  let hasPosted = false
  const attributes = createAttributePutter({
    client,
    acquire: rateLimit.acquire,
    store,
    diagnostics,
    now: clock.now,
    createMissing: settings.attributes?.createMissing ?? false,
    isAddressRight: () => hasPosted,
  })

  async function send(line: ClaimedLine): Promise<DeliveryResult> {
    if (line.kind !== 'event') return attributes.send(line)
    const request = { method: 'POST', path: '/v1/events/custom', body: line.body } as const
    const result = resultOf(await client.request(request), clock.now())
    if (result.outcome === 'delivered') hasPosted = true
    return result
  }

  const delivery = createDelivery({
    ...settings,
    network: systemClock,
    store,
    diagnostics,
    send: typeof given === 'function' ? given : send,
    together: typeof given === 'object' && connection !== undefined ? { ...given, ...connection } : undefined,
    lookUp:
      isPx && settings.lookUp
        ? createLookUp({ client, acquire: rateLimit.acquire, now: clock.now })
        : undefined,
    acquire: isPx ? rateLimit.acquire : async () => 'granted',
    untilNextBudgetMs: budget.untilNextDayMs,
  })

  async function checkDeclared(): Promise<void> {
    if (settings.attributes === undefined) return
    const { user, account, running } = settings.attributes
    // Both sets may have the same number under different attributes, so the API name is the key.
    const both = (names: AttributeNames['user'], more: AttributeNames['user'] = {}) =>
      Object.fromEntries(
        [...Object.values(names), ...Object.values(more)].map((apiName) => [apiName, apiName]),
      )
    const names = { user: both(user, running?.user), account: both(account, running?.account) }
    await checkAttributes(names, { client, acquire: rateLimit.acquire, diagnostics })
  }

  /** Reads the newest events. The store of a process that ends with its data sends two events for the day of a restart, without another instance. */
  async function checkSenders(): Promise<void> {
    const eventName = settings.rollups?.find(({ by }) => by === 'identity')?.eventName
    if (eventName === undefined || !settings.lookUp || !store.durable || !(await store.isSender())) return
    const nowMs = clock.now()
    let refusal: { reason: string; advice: string } | undefined
    const reading: typeof client.request = async (request) => {
      const response = await client.request(request)
      const result = resultOf(response, nowMs)
      const isKey = response.received && isKeyRefused(response.status)
      if (result.outcome === 'stopped')
        refusal = { reason: result.reason, advice: isKey ? keyAdvice : (result.advice ?? '') }
      return response
    }
    const days = await daysOfOtherSenders(eventName, {
      ...{ client: { request: reading }, acquire: rateLimit.acquire, nowMs },
    })
    if (refusal !== undefined) {
      // Nothing is sent before the first day ends, so a wrong key or address would go unnoticed until then.
      const { reason, advice } = refusal
      diagnostics.warn(
        'PXU_WRN_DELIVERY_REFUSED_AT_START',
        `${reason} Calls are counted, and no event can be sent when the day ends until this is corrected. ${advice}`,
      )
    }
    if (days.length === 0) return
    diagnostics.warn(
      'PXU_WRN_DELIVERY_SEVERAL_SENDERS',
      `Several instances that share no store send for the same product: PX has different ${eventName} events of one user and day, on ${days.join(', ')}. PX's Average is wrong for these days. Let the instances share a Redis (redisStore), or a folder if they run on one host. Services that are to be counted apart need different values of an option properties.`,
    )
  }

  /** Releases the lease in a dry run, which would otherwise keep another process from sending. */
  const runDry = async () => store.cannotSend?.().catch(() => {})

  return {
    run: () => (settings.dryRun ? runDry() : delivery.run()),
    wake: () => (settings.dryRun ? void runDry() : delivery.wake()),
    wakeNow: () => (settings.dryRun ? void runDry() : delivery.wakeNow()),
    async stop() {
      rateLimit.stop()
      await delivery.stop()
      await budget.settle().catch(() => {})
    },
    async check() {
      if (!isPx || settings.dryRun) return
      await checkDeclared()
      await checkSenders()
    },
    async abort() {
      await Promise.all([client.close(), connection?.abort()])
    },
    linesForDay() {
      const { pending, unconfirmed } = store.outboxCounts()
      return Math.max(0, Math.floor(maxRequestsPerDay * usableShare) - pending - unconfirmed)
    },
    isAtEase: () => delivery.state().stopped === undefined && budget.left() > maxRequestsPerDay / 2,
    state: () => ({
      ...delivery.state(),
      requestsToday: budget.spent(),
      requestsLeft: budget.left(),
      maxRequestsPerSecond,
      attributes: attributes.stats(),
    }),
  }
}

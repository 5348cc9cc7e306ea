import { usableProperties } from '../attribution/properties.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { SeriesLimits } from '../counting/overflow.ts'
import type { Rollup } from '../day/rollup.ts'
import { createUsageDays, type UsageDays } from '../day/usage-day.ts'
import type { SendLine } from '../delivery/send-batch.ts'
import { UsageError } from '../errors.ts'
import { boolean, callback, count, object, refuseUnknown } from '../model/check-options.ts'
import type { Properties } from '../model/series.ts'
import type { Namespace, Store } from '../model/store.ts'
import { parseBaseUrl, type Region, regionUrl } from '../px/px-address.ts'
import type { Dispatcher } from '../px/px-client.ts'
import { fileStore } from '../stores/file-store.ts'
import { type Env, variable } from './environment.ts'
import {
  type AttributeOptions,
  type AttributeSettings,
  parseAttributes,
  parseRollups,
  parseZeroFill,
  type ZeroFillOptions,
} from './parse-day-options.ts'
import { apiKeyOf, key } from './parse-keys.ts'

/** What a meter can be told. An option that is `undefined` counts as not given; an unknown one is an error. */
export interface MeterOptions {
  /**
   * REST API key of PX, with Write permission, and Read to find out what became of a request that got no answer. A function is asked
   * before each request: the key may change while the app runs. @default process.env.PX_API_KEY
   */
  apiKey?: string | (() => string) | undefined
  /** Product key of PX (`AP-...`), the one of the web tag. @default process.env.PX_PRODUCT_KEY */
  productKey?: string | undefined
  /** Where the PX subscription lives. @default process.env.PX_REGION or 'us' */
  region?: Region | undefined
  /** Address of PX instead of `region`, with or without `/v1`; https, except to this machine. @default process.env.PX_BASE_URL */
  baseUrl?: string | undefined
  /** Low-cardinality dimensions that every call of this meter carries. @default { apiType: 'RESTful' } */
  properties?: Readonly<Record<string, string | number | boolean>> | undefined
  /** IANA zone whose midnight ends a usage day. @default process.env.PX_TIME_ZONE or 'UTC' */
  timeZone?: string | undefined
  /** The events that a closed day becomes. @default dailyApiCalls by identity, dailyEndpointCalls by endpoint */
  rollups?: readonly Rollup[] | undefined
  /** PX attributes of users and accounts that take numbers of each closed day. */
  attributes?: AttributeOptions | undefined
  /** Events that say 0 for those who called on the days before and not on this one. @default none */
  zeroFill?: ZeroFillOptions | undefined
  /** Where counts and unsent events live. @default fileStore({ dir: process.env.PX_USAGE_DIR or '.px-usage' }) */
  store?: Store | undefined
  /** Bounds of one usage day in this process; beyond them endpoints fold, totals stay. */
  limits?: Partial<SeriesLimits> | undefined
  /** How long after midnight a day is closed, in ms: late answers of `identify` still belong to it. @default 900_000 */
  graceMs?: number | undefined
  /** How long a promise of `identify` is awaited, in ms. @default 1_000 */
  identifyTimeoutMs?: number | undefined
  /** How long one request to PX may take in all, in ms. @default 10_000 */
  requestTimeoutMs?: number | undefined
  /**
   * Most requests to PX in any second, in real time; the sender runs at about nine tenths of it. PX takes about 200.
   * @default 150
   */
  maxRequestsPerSecond?: number | undefined
  /** Most requests to PX in a day of UTC; the rest waits for the next. PX takes about a million. @default 800_000 */
  maxRequestsPerDay?: number | undefined
  /** Sending starts by itself at a random moment within this time, in ms: a fleet does not start together. @default 300_000 */
  startJitterMs?: number | undefined
  /** Look up in PX what became of a request that got no answer, before it is repeated. Without it: repeat. @default true */
  lookUp?: boolean | undefined
  /** How long after such a request, in ms: PX must show by then what it took. @default 900_000 */
  lookUpAfterMs?: number | undefined
  /** Close the meter on SIGTERM and SIGINT: for an app without a shutdown of its own. The process ends as it would have. @default false */
  closeOnSignal?: boolean | undefined
  /** `false` makes a meter that takes everything, keeps nothing and needs no keys. @default process.env.PX_USAGE_ENABLED, or true */
  enabled?: boolean | undefined
  /** Count and close days, but send nothing: keys are not needed. @default false */
  dryRun?: boolean | undefined
  /** Receives errors that nothing awaits. Every code is in docs/error-codes.md. */
  onError?: ((error: UsageError) => void) | undefined
  /** Where time comes from. @default the system's */
  clock?: Clock | undefined
  /** Dispatcher of undici 7 or newer for the requests to PX: a proxy, own certificates, a mock. */
  dispatcher?: Dispatcher | undefined
  /** Takes the place of PX in tests: see `inMemoryDelivery()` of the test kit. */
  delivery?: SendLine | undefined
}

export interface Settings {
  /** @throws {UsageError} when the app's own function fails or answers no key */
  readonly apiKey: () => string
  readonly productKey: string
  readonly baseUrl: string
  readonly properties: Properties
  readonly days: UsageDays
  readonly rollups: readonly Rollup[]
  readonly attributes: AttributeSettings
  /** 0: none. */
  readonly zeroFillDays: number
  readonly store: Store
  readonly limits: Readonly<SeriesLimits>
  readonly graceMs: number
  readonly identifyTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly maxRequestsPerSecond: number
  readonly maxRequestsPerDay: number
  readonly startJitterMs: number
  readonly lookUp: boolean
  readonly lookUpAfterMs: number
  readonly closeOnSignal: boolean
  readonly dryRun: boolean
  readonly onError: ((error: UsageError) => void) | undefined
  readonly clock: Clock
  readonly dispatcher: Dispatcher | undefined
  readonly delivery: SendLine | undefined
}

export const defaults = Object.freeze({
  region: 'us',
  timeZone: 'UTC',
  dir: '.px-usage',
  properties: Object.freeze({ apiType: 'RESTful' }) as Properties,
  rollups: Object.freeze([
    { eventName: 'dailyApiCalls', by: 'identity' },
    { eventName: 'dailyEndpointCalls', by: 'endpoint' },
  ]) as readonly Rollup[],
  limits: Object.freeze({
    series: 200_000,
    endpointsPerIdentity: 1_000,
    propertySets: 100,
    users: 200_000,
  }) as SeriesLimits,
  graceMs: 900_000,
  identifyTimeoutMs: 1_000,
  requestTimeoutMs: 10_000,
  maxRequestsPerSecond: 150,
  maxRequestsPerDay: 800_000,
  startJitterMs: 300_000,
  lookUpAfterMs: 900_000,
})

/** Kept complete by the compiler: a new option that is missing here does not build. */
const known: Readonly<Record<keyof MeterOptions, true>> = {
  apiKey: true,
  productKey: true,
  region: true,
  baseUrl: true,
  properties: true,
  timeZone: true,
  rollups: true,
  attributes: true,
  zeroFill: true,
  store: true,
  limits: true,
  graceMs: true,
  identifyTimeoutMs: true,
  requestTimeoutMs: true,
  maxRequestsPerSecond: true,
  maxRequestsPerDay: true,
  startJitterMs: true,
  lookUp: true,
  lookUpAfterMs: true,
  closeOnSignal: true,
  enabled: true,
  dryRun: true,
  onError: true,
  clock: true,
  dispatcher: true,
  delivery: true,
}

/**
 * Options and environment to complete settings.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...`: the message quotes the value and says what to do
 */
export function parseOptions(options: MeterOptions, env: Env): Settings {
  refuseUnknown(options, Object.keys(known))
  const dryRun = boolean('dryRun', options.dryRun) ?? false
  const sendsToPx = !dryRun && options.delivery === undefined
  const apiKey = apiKeyOf(options.apiKey ?? variable(env, 'PX_API_KEY'), sendsToPx)
  const productKey = key('productKey', options.productKey ?? variable(env, 'PX_PRODUCT_KEY'), sendsToPx)
  const baseUrl = options.baseUrl ?? (options.region === undefined ? variable(env, 'PX_BASE_URL') : undefined)
  const identifyTimeoutMs =
    count('identifyTimeoutMs', options.identifyTimeoutMs, 1) ?? defaults.identifyTimeoutMs
  const requestTimeoutMs = count('requestTimeoutMs', options.requestTimeoutMs, 1) ?? defaults.requestTimeoutMs
  // A request that is still on its way cannot be found yet.
  const lookUpAfterMs =
    count('lookUpAfterMs', options.lookUpAfterMs, requestTimeoutMs) ??
    Math.max(defaults.lookUpAfterMs, requestTimeoutMs)
  // A day that closes before the last answer of `identify` would get a second event.
  const rollups = parseRollups(options.rollups) ?? defaults.rollups
  const graceMs =
    count('graceMs', options.graceMs, identifyTimeoutMs) ?? Math.max(defaults.graceMs, identifyTimeoutMs)
  return Object.freeze({
    apiKey,
    productKey,
    baseUrl: parseBaseUrl(
      baseUrl ?? regionUrl(options.region ?? variable(env, 'PX_REGION')?.toLowerCase() ?? defaults.region),
    ),
    properties: Object.freeze(properties(options.properties)),
    days: createUsageDays(options.timeZone ?? variable(env, 'PX_TIME_ZONE') ?? defaults.timeZone),
    rollups,
    zeroFillDays: parseZeroFill(options.zeroFill, rollups),
    attributes: parseAttributes(options.attributes),
    store: store(options.store) ?? fileStore({ dir: variable(env, 'PX_USAGE_DIR') ?? defaults.dir }),
    limits: limits(options.limits),
    graceMs,
    identifyTimeoutMs,
    requestTimeoutMs,
    maxRequestsPerSecond:
      count('maxRequestsPerSecond', options.maxRequestsPerSecond, 1) ?? defaults.maxRequestsPerSecond,
    maxRequestsPerDay: count('maxRequestsPerDay', options.maxRequestsPerDay, 1) ?? defaults.maxRequestsPerDay,
    // Nobody shares what takes the place of PX.
    startJitterMs:
      count('startJitterMs', options.startJitterMs, 0) ??
      (options.delivery === undefined ? defaults.startJitterMs : 0),
    lookUp: boolean('lookUp', options.lookUp) ?? true,
    lookUpAfterMs,
    closeOnSignal: boolean('closeOnSignal', options.closeOnSignal) ?? false,
    dryRun,
    onError: callback('onError', options.onError),
    clock: options.clock ?? systemClock,
    dispatcher: options.dispatcher,
    delivery: callback('delivery', options.delivery),
  })
}

function properties(value: MeterOptions['properties']): Properties {
  return usableProperties(object('properties', value) ?? defaults.properties, (_reason, message) => {
    throw new UsageError(
      'PXU_ERR_OPTIONS_INVALID',
      `The option properties cannot be used as it is. ${message}`,
    )
  })
}

function store(value: Store | undefined): Store | undefined {
  if (value === undefined || typeof value?.closeDay === 'function') return value
  // Not quoted: what is meant to be a store may hold the password of a database.
  throw new UsageError(
    'PXU_ERR_OPTIONS_INVALID',
    `The option store is of the type ${typeof value}, and no store. Give fileStore({ dir: '.px-usage' }) or memoryStore().`,
  )
}

function limits(value: Partial<SeriesLimits> | undefined): SeriesLimits {
  const given = object('limits', value) ?? {}
  refuseUnknown(given, Object.keys(defaults.limits))
  const limit = (name: keyof SeriesLimits) => count(`limits.${name}`, given[name], 1) ?? defaults.limits[name]
  return Object.freeze({
    series: limit('series'),
    endpointsPerIdentity: limit('endpointsPerIdentity'),
    propertySets: limit('propertySets'),
    users: limit('users'),
  })
}

/** Without a product key nothing can reach a product of PX, so all such meters share one namespace. */
export function namespaceOf({
  productKey,
  baseUrl,
  dryRun,
}: Pick<Settings, 'productKey' | 'baseUrl' | 'dryRun'>): Namespace {
  if (productKey === '') return { productKey, baseUrl: '', dryRun: false }
  return { productKey, baseUrl, dryRun }
}

import { usableProperties } from '../attribution/properties.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { SeriesLimits } from '../counting/overflow.ts'
import type { Rollup } from '../day/rollup.ts'
import { createUsageDays, type UsageDays } from '../day/usage-day.ts'
import type { PxDeliverySettings } from '../delivery/create-px-delivery.ts'
import type { SendLine } from '../delivery/send-batch.ts'
import { UsageError } from '../errors.ts'
import { boolean, callback, count, object, refuseUnknown } from '../model/check-options.ts'
import type { Properties } from '../model/series.ts'
import type { Namespace, Store } from '../model/store.ts'
import { parseBaseUrl, type Region, regionUrl } from '../px/px-address.ts'
import type { Dispatcher } from '../px/px-client.ts'
import { fileStore } from '../stores/file-store.ts'
import type { BatchDelivery } from '../webhook/batch-delivery.ts'
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

/** The options of a meter. An option that is `undefined` has its default; an unknown option is an error. */
export interface MeterOptions {
  /**
   * REST API key of PX with the Write permission, and with Read to look up unconfirmed requests. A function is called before each
   * request, so the key may change while the app runs. @default process.env.PX_API_KEY
   */
  apiKey?: string | (() => string) | undefined
  /** Product key of PX (`AP-...`), the one of the web tag. @default process.env.PX_PRODUCT_KEY */
  productKey?: string | undefined
  /** Region of the PX subscription. @default process.env.PX_REGION or 'us' */
  region?: Region | undefined
  /** Address of PX instead of `region`, with or without `/v1`; https, except to this machine. @default process.env.PX_BASE_URL */
  baseUrl?: string | undefined
  /** Low-cardinality properties of every call of this meter. @default { apiType: 'RESTful' } */
  properties?: Readonly<Record<string, string | number | boolean>> | undefined
  /** IANA zone whose midnight ends a usage day. @default process.env.PX_TIME_ZONE or 'UTC' */
  timeZone?: string | undefined
  /** The events that a closed day becomes. @default dailyApiCalls by identity, dailyEndpointCalls by endpoint */
  rollups?: readonly Rollup[] | undefined
  /** PX attributes of users and accounts that px-usage sets to numbers of each closed day. @default none */
  attributes?: AttributeOptions | undefined
  /** Send events with 0 for users who called on earlier days but not on this one. @default none */
  zeroFill?: ZeroFillOptions | undefined
  /** Where day totals and unsent lines are kept. @default fileStore({ dir: process.env.PX_USAGE_DIR or '.px-usage' }) */
  store?: Store | undefined
  /** Limits of one usage day in this process. Beyond them detail folds; totals stay exact. */
  limits?: Partial<SeriesLimits> | undefined
  /** Delay after midnight before a day is closed, in milliseconds, for late results of `identify`. @default 900_000 */
  graceMs?: number | undefined
  /** How long a promise of `identify` is awaited, in milliseconds. @default 1_000 */
  identifyTimeoutMs?: number | undefined
  /** Time limit of one whole request to PX, in milliseconds. @default 10_000 */
  requestTimeoutMs?: number | undefined
  /**
   * The most requests to PX in any second, in real time. The sender runs at about nine tenths of it. PX accepts about 200.
   * @default 150
   */
  maxRequestsPerSecond?: number | undefined
  /** The most requests to PX in a UTC day; further lines wait for the next day. PX accepts about a million. @default 800_000 */
  maxRequestsPerDay?: number | undefined
  /** Largest random delay before sending starts, in milliseconds, so that processes do not start together. @default 300_000 */
  startJitterMs?: number | undefined
  /** Look up unconfirmed lines in PX before they are resent. With `false` they are resent without a look-up. @default true */
  lookUp?: boolean | undefined
  /** Delay before an unconfirmed request is looked up in PX, in milliseconds. @default 900_000 */
  lookUpAfterMs?: number | undefined
  /** Close the meter on SIGTERM and SIGINT, for an app without a shutdown of its own. The process then exits as usual. @default false */
  closeOnSignal?: boolean | undefined
  /** `false` creates a meter that accepts everything, keeps nothing and needs no keys. @default process.env.PX_USAGE_ENABLED, or true */
  enabled?: boolean | undefined
  /** Count and close days, but send nothing. Keys are not required. @default false */
  dryRun?: boolean | undefined
  /** Receives errors that nothing awaits. Every code is in docs/error-codes.md. */
  onError?: ((error: UsageError) => void) | undefined
  /** The source of time. @default the system's clock */
  clock?: Clock | undefined
  /** Dispatcher of undici 7 or newer for the requests to PX, such as a proxy, one with its own certificates, or a mock. */
  dispatcher?: Dispatcher | undefined
  /**
   * Replaces PX: `webhookDelivery()`, or in tests `inMemoryDelivery()` of `@px-usage/core/testing`. Keys are not required then.
   * @default PX
   */
  delivery?: SendLine | BatchDelivery | undefined
}

/** The settings of a meter: its options and environment, validated and complete. */
export interface Settings extends Omit<PxDeliverySettings, 'attributes'> {
  readonly productKey: string
  readonly properties: Properties
  readonly days: UsageDays
  readonly rollups: readonly Rollup[]
  readonly attributes: AttributeSettings
  /** 0 without zero fill. */
  readonly zeroFillDays: number
  readonly store: Store
  readonly limits: Readonly<SeriesLimits>
  readonly graceMs: number
  readonly identifyTimeoutMs: number
  readonly closeOnSignal: boolean
  readonly onError: ((error: UsageError) => void) | undefined
}

/** The defaults of all options. */
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

/** The names of all options. The compiler reports an option that is missing here. */
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
 * Validates the options and completes them from the environment and the defaults.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...`, with a message that quotes the value and says what to do
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
  // A look-up before the request timeout would miss an event that PX is still receiving, and the line would be sent twice.
  const lookUpAfterMs =
    count('lookUpAfterMs', options.lookUpAfterMs, requestTimeoutMs) ??
    Math.max(defaults.lookUpAfterMs, requestTimeoutMs)
  const rollups = parseRollups(options.rollups) ?? defaults.rollups
  // A day that closes before the last result of `identify` would get a second event.
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
    // The delay protects PX from processes that start together, so a delivery that replaces PX needs none.
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
    delivery: delivery(options.delivery),
  })
}

function properties(value: MeterOptions['properties']): Properties {
  return usableProperties(object('properties', value) ?? defaults.properties, (_reason, message) => {
    throw new UsageError('PXU_ERR_OPTIONS_INVALID', `The option properties is invalid. ${message}`)
  })
}

function store(value: Store | undefined): Store | undefined {
  if (value === undefined || typeof value?.closeDay === 'function') return value
  // The value is not quoted, because it may contain the password of a database.
  throw new UsageError(
    'PXU_ERR_OPTIONS_INVALID',
    `The option store is a value of the type ${typeof value}, not a store. Give fileStore({ dir: '.px-usage' }) or memoryStore().`,
  )
}

function delivery(value: MeterOptions['delivery']): MeterOptions['delivery'] {
  if (typeof value === 'object' && typeof value?.connect === 'function') return value
  if (value === undefined || typeof value === 'function') return value
  // The value is not quoted, because it may contain the secret of a webhook.
  throw new UsageError(
    'PXU_ERR_OPTIONS_INVALID',
    `The option delivery is a value of the type ${typeof value}. Give webhookDelivery({ url, secret }) or a function.`,
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

/** Returns the namespace of a meter. Meters without a product key cannot reach PX, so they all share one namespace. */
export function namespaceOf({
  productKey,
  baseUrl,
  dryRun,
}: Pick<Settings, 'productKey' | 'baseUrl' | 'dryRun'>): Namespace {
  if (productKey === '') return { productKey, baseUrl: '', dryRun: false }
  return { productKey, baseUrl, dryRun }
}

import type { ServerResponse } from 'node:http'
import {
  createMeter,
  type GivenProperties,
  type Identify,
  type Meter,
  type MeterOptions,
  UsageError,
} from '@px-usage/core'
import { invalid, isEnabled, notOptions } from '@px-usage/core/adapter'
import { type IsIgnored, ignorePatterns } from './ignore-patterns.ts'

/**
 * The app's callbacks for single calls. They run after the response has finished. `Source` is the framework's request (Express) or
 * context (Koa), and `Response` is the type of its response.
 */
export interface CallOptions<Source, Response = ServerResponse> {
  /** Returns the identity of the caller, `{ userId, accountId }`, or nothing for an anonymous call, or a promise of either. */
  identify: Identify<Source>
  /** Returns low-cardinality properties of one call, which are added to those of the meter. */
  properties?: ((source: Source, response: Response) => GivenProperties | undefined) | undefined
  /**
   * Returns further numbers of one call, such as `{ tokens: 120, rows: 7 }`. They are added up in the same events as the calls. Numbers
   * must be finite and not negative; a meter counts at most 10 names.
   */
  measures?:
    | ((source: Source, response: Response) => Readonly<Record<string, number | undefined>> | undefined)
    | undefined
  /** Returns the name of the endpoint; `undefined` keeps the framework's route template. Names over 1,024 characters are shortened. */
  endpoint?: ((source: Source) => string | undefined) | undefined
  /**
   * Calls that are not counted: a function that returns `true` for them, or patterns on method and route template such as
   * `'GET /health'`, `'/internal/*'` and `'OPTIONS *'`. A call that matched no route has the template `(unmatched)`.
   * @default ['OPTIONS *']
   */
  ignore?: ((source: Source, response: Response) => boolean) | readonly string[] | undefined
}

/** The callbacks for single calls, validated. */
export interface CallSettings<Source> {
  identify: Identify<Source>
  properties: CallOptions<Source>['properties']
  measures: CallOptions<Source>['measures']
  endpoint: CallOptions<Source>['endpoint']
  ignore: ((source: Source, response: ServerResponse) => boolean) | undefined
  isIgnored: IsIgnored
}

/** The options of `pxUsage()`: those of a meter, and the callbacks for single calls. */
export interface UsageOptions<Source, Response = ServerResponse>
  extends Omit<MeterOptions, 'properties'>,
    Omit<CallOptions<Source, Response>, 'properties'> {
  /** Properties of all calls (an object), or a function that returns those of one call. */
  properties?: MeterOptions['properties'] | CallOptions<Source, Response>['properties']
  /** A meter that several apps of this process share. It cannot be combined with the options of a meter. */
  meter?: Meter | undefined
}

/**
 * Validates the options of a middleware. Returns the meter, created unless one was given, and the callbacks for single calls.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_*` for options that are missing or invalid
 */
export function parseUsageOptions<Source, Response = ServerResponse>(
  options: UsageOptions<Source, Response>,
): {
  meter: Meter
  options: CallSettings<Source>
  enabled: boolean
} {
  if (typeof options !== 'object' || options === null) throw notOptions(options)
  const { identify, endpoint, ignore, measures, properties, meter, enabled: given, ...meterOptions } = options
  const enabled = isEnabled(given, process.env)
  if (identify === undefined) {
    throw new UsageError(
      'PXU_ERR_OPTIONS_IDENTIFY_MISSING',
      'The option identify is missing. Give a function that names the caller: identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId }.',
    )
  }
  if (typeof identify !== 'function') throw invalid('identify', identify, 'Give a function of the request.')
  if (endpoint !== undefined && typeof endpoint !== 'function')
    throw invalid('endpoint', endpoint, 'Give a function.')
  if (measures !== undefined && typeof measures !== 'function')
    throw invalid(
      'measures',
      measures,
      'Give a function of the request and the response that returns numbers: (req, res) => ({ rows: res.locals.rows }).',
    )
  if (ignore !== undefined && typeof ignore !== 'function' && !Array.isArray(ignore)) {
    throw invalid('ignore', ignore, "Give a function or a list of route patterns such as ['GET /health'].")
  }
  const patterns = typeof ignore === 'function' ? [] : (ignore ?? ['OPTIONS *'])
  const isIgnored = ignorePatterns(patterns, endpoint !== undefined)
  const perCall = typeof properties === 'function' ? properties : undefined
  const ofMeter: MeterOptions =
    typeof properties === 'function' || properties === undefined
      ? meterOptions
      : { ...meterOptions, properties }
  if (meter !== undefined && Object.keys(ofMeter).length > 0) {
    throw invalid('meter', 'a meter', `Leave out ${Object.keys(ofMeter).join(', ')}: that meter has its own.`)
  }
  return {
    meter: meter ?? createMeter({ ...ofMeter, enabled }),
    options: {
      identify,
      endpoint,
      // The cast is safe: the response of a framework is Node's ServerResponse or inherits from it.
      ignore: (typeof ignore === 'function' ? ignore : undefined) as CallSettings<Source>['ignore'],
      properties: perCall as CallSettings<Source>['properties'],
      measures: measures as CallSettings<Source>['measures'],
      isIgnored,
    },
    enabled,
  }
}

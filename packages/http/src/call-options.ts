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
 * What an app can tell about its calls. `Source` is the framework's request (Express) or context (Koa), `Response` what its
 * response is. The callbacks run once the response is over.
 */
export interface CallOptions<Source, Response = ServerResponse> {
  /** Names the caller of a request: `{ userId, accountId }`, nothing for an anonymous call, or a promise of either. */
  identify: Identify<Source>
  /** Low-cardinality dimensions of one call, beside those of the meter. */
  properties?: ((source: Source, response: Response) => GivenProperties | undefined) | undefined
  /** Name of the endpoint where the framework's route template will not do. Over 1,024 characters it is shortened. */
  endpoint?: ((source: Source) => string | undefined) | undefined
  /**
   * Calls not to count: a function, or patterns on method and route template such as `'GET /health'`, `'/internal/*'` and
   * `'OPTIONS *'`. A call that matched no route has the template `(unmatched)`. @default ['OPTIONS *']
   */
  ignore?: ((source: Source, response: Response) => boolean) | readonly string[] | undefined
}

/** The options of the single call, checked. */
export interface CallSettings<Source> {
  identify: Identify<Source>
  properties: CallOptions<Source>['properties']
  endpoint: CallOptions<Source>['endpoint']
  ignore: ((source: Source, response: ServerResponse) => boolean) | undefined
  isIgnored: IsIgnored
}

export interface UsageOptions<Source, Response = ServerResponse>
  extends Omit<MeterOptions, 'properties'>,
    Omit<CallOptions<Source, Response>, 'properties'> {
  /** Dimensions of all calls (an object), or of each call (a function). */
  properties?: MeterOptions['properties'] | CallOptions<Source, Response>['properties']
  /** A meter to share with other apps of this process; the options of a meter are not allowed beside it. */
  meter?: Meter | undefined
}

/**
 * Splits the options of a middleware into a meter and what concerns the single call.
 *
 * @throws {UsageError} for options that cannot be used
 */
export function parseUsageOptions<Source, Response = ServerResponse>(
  options: UsageOptions<Source, Response>,
): {
  meter: Meter
  options: CallSettings<Source>
  enabled: boolean
} {
  if (typeof options !== 'object' || options === null) throw notOptions(options)
  const { identify, endpoint, ignore, properties, meter, enabled: given, ...meterOptions } = options
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
      // What the framework hands over as response is Node's own, or inherits from it.
      ignore: (typeof ignore === 'function' ? ignore : undefined) as CallSettings<Source>['ignore'],
      properties: perCall as CallSettings<Source>['properties'],
      isIgnored,
    },
    enabled,
  }
}

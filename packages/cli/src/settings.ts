import { resolve } from 'node:path'
import { usageError } from './exit-codes.ts'

/** Where counts and lines are. */
type Place =
  | { readonly kind: 'folder'; readonly dir: string }
  | { readonly kind: 'redis'; readonly url: string; readonly keyPrefix: string }

/** What the commands share. A setting that was not given is `undefined`, unless it has a default. */
export interface Settings {
  readonly place: Place
  /** Which namespace of the place, where it has several: its number in `status`, or a part of its name. */
  readonly namespace: string | undefined
  readonly timeZone: string | undefined
  readonly apiKey: string | undefined
  readonly productKey: string | undefined
  readonly region: string | undefined
  readonly baseUrl: string | undefined
  /** Where each setting comes from, in words: `--dir`, `PX_USAGE_DIR`, the path of the file, or `the default`. */
  readonly from: Readonly<Record<SettingName, string>>
}

export type SettingName = keyof typeof table

/** The groups of settings that a command may use. */
export type SettingGroup = 'store' | 'px'

interface Setting {
  readonly group: SettingGroup
  /** `undefined`: not as a flag, because other users of the machine can read the arguments of a process. */
  readonly flag: string | undefined
  readonly env: string
  readonly help: string
  readonly default?: string
}

/** Every setting, with the flag and the environment variable that give it. In the file it has its own name. */
const table = {
  dir: {
    group: 'store',
    flag: '--dir <folder>',
    env: 'PX_USAGE_DIR',
    help: 'the folder of the file store',
    default: '.px-usage',
  },
  redis: {
    group: 'store',
    flag: '--redis <url>',
    env: 'PX_USAGE_REDIS',
    help: 'read Redis instead of a folder, as redis://host:6379',
  },
  keyPrefix: {
    group: 'store',
    flag: '--key-prefix <text>',
    env: 'PX_USAGE_KEY_PREFIX',
    help: 'the keyPrefix of the Redis store',
    default: 'px-usage',
  },
  namespace: {
    group: 'store',
    flag: '--namespace <which>',
    env: 'PX_USAGE_NAMESPACE',
    help: 'one of several namespaces: its number in `status`, or a part of its name',
  },
  apiKey: { group: 'px', flag: undefined, env: 'PX_API_KEY', help: 'REST API key of PX' },
  productKey: {
    group: 'px',
    flag: '--product-key <key>',
    env: 'PX_PRODUCT_KEY',
    help: 'product key of PX (AP-...)',
  },
  region: {
    group: 'px',
    flag: '--region <region>',
    env: 'PX_REGION',
    help: 'region of the subscription: us, eu or us2',
  },
  baseUrl: {
    group: 'px',
    flag: '--base-url <url>',
    env: 'PX_BASE_URL',
    help: 'address of PX instead of a region',
  },
  timeZone: {
    group: 'px',
    flag: '--time-zone <zone>',
    env: 'PX_TIME_ZONE',
    help: 'zone of the usage days, an IANA name',
  },
} as const satisfies Record<string, Setting>

/** The file of settings in the working directory, read if it is there. */
export const defaultFile = 'px-usage.json'

/** Returns the settings of some groups, by name. */
export function settingsOf(groups: readonly SettingGroup[]): ReadonlyArray<readonly [SettingName, Setting]> {
  return (Object.entries(table) as Array<[SettingName, Setting]>).filter(([, { group }]) =>
    groups.includes(group),
  )
}

export interface GivenSettings {
  /** Values of flags, by the name of the setting. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** The content of the file of settings, if there is one. */
  readonly file: { readonly path: string; readonly content: unknown } | undefined
  readonly cwd: string
}

/**
 * Joins flags, environment, file and defaults, in this order. Changes and reads nothing else.
 *
 * @throws {CommandError} with exit code 2 for an unknown name or an invalid value
 */
export function parseSettings({ flags, env, file, cwd }: GivenSettings): Settings {
  const inFile = contentOf(file)
  const from = {} as Record<SettingName, string>
  const values = {} as Record<SettingName, string | undefined>
  for (const [name, setting] of Object.entries(table) as Array<[SettingName, Setting]>) {
    const candidates = [
      [flags[name] as string | undefined, setting.flag?.split(' ')[0] ?? ''],
      // Compose files and manifests pass on variables without a value; mounted secrets end with a line feed.
      [env[setting.env]?.trim() || undefined, setting.env],
      [inFile[name], file?.path ?? ''],
      [setting.default, 'the default'],
    ] as const
    const [value, source] = candidates.find(([given]) => given !== undefined) ?? [undefined, 'not given']
    if (value === '') throw usageError(`${source}: ${name} is empty. Give a value, or leave it out.`)
    values[name] = value
    from[name] = source
  }
  const { redis, dir, keyPrefix, ...others } = values
  return { ...others, place: placeOf({ redis, dir, keyPrefix }, from, cwd), from }
}

/** A flag for a folder or for Redis is stronger than a variable for the other one. */
function placeOf(
  { redis, dir, keyPrefix }: Record<'redis' | 'dir' | 'keyPrefix', string | undefined>,
  from: Readonly<Record<SettingName, string>>,
  cwd: string,
): Place {
  const isFlag = (name: SettingName) => from[name].startsWith('--')
  if (isFlag('redis') && isFlag('dir')) {
    throw usageError('--dir and --redis were both given. Give one of them.')
  }
  if (redis === undefined || isFlag('dir')) return { kind: 'folder', dir: resolve(cwd, dir ?? '') }
  const url = URL.canParse(redis) ? new URL(redis) : undefined
  if (url === undefined || !/^rediss?:$/.test(url.protocol)) {
    // The value is not quoted, because it may contain a password.
    throw usageError(`${from.redis}: this is not an address of Redis. Give redis://host:6379 or rediss://...`)
  }
  return { kind: 'redis', url: redis, keyPrefix: keyPrefix ?? '' }
}

function contentOf(file: GivenSettings['file']): Partial<Record<SettingName, string>> {
  if (file === undefined) return {}
  const { path, content } = file
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw usageError(`${path}: expected a JSON object such as { "dir": ".px-usage" }.`)
  }
  for (const [name, value] of Object.entries(content)) {
    if (!Object.hasOwn(table, name)) {
      throw usageError(`${path}: no setting ${JSON.stringify(name)}. Use ${Object.keys(table).join(', ')}.`)
    }
    if (typeof value !== 'string') throw usageError(`${path}: ${name} must be a text.`)
  }
  return content
}

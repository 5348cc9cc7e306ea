import { invalid } from '../model/check-options.ts'

export type Env = Readonly<Record<string, string | undefined>>

/**
 * A variable of the environment. `undefined` if it is not set or empty: compose files and manifests pass on variables that
 * have no value. Line feeds at the end of a mounted secret are left out.
 */
export function variable(env: Env, name: string): string | undefined {
  const text = env[name]?.trim()
  return text === '' ? undefined : text
}

/**
 * Whether px-usage is switched on: by the option `enabled`, or else by `PX_USAGE_ENABLED`.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` for anything that is neither yes nor no: guessing either would be a surprise
 */
export function isEnabled(given: unknown, env: Env): boolean {
  if (typeof given === 'boolean') return given
  if (given !== undefined) throw invalid('enabled', given, 'Give true or false.')
  const text = variable(env, 'PX_USAGE_ENABLED')
  if (text === undefined || /^(1|true|on|yes|y)$/i.test(text)) return true
  if (/^(0|false|off|no|n)$/i.test(text)) return false
  throw invalid('enabled (PX_USAGE_ENABLED)', text, 'Give true (1, yes, on) or false (0, no, off).')
}

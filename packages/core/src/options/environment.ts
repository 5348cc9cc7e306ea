import { invalid } from '../model/check-options.ts'

/** The environment variables of a process. */
export type Env = Readonly<Record<string, string | undefined>>

/**
 * Returns an environment variable without surrounding white space, such as the final line feed of a mounted secret. Returns `undefined`
 * if it is empty, because compose files and manifests pass on variables without a value.
 */
export function variable(env: Env, name: string): string | undefined {
  const text = env[name]?.trim()
  return text === '' ? undefined : text
}

/**
 * Returns whether px-usage is enabled, by the option `enabled` or else by `PX_USAGE_ENABLED`. The default is `true`.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_INVALID` for any value that means neither yes nor no
 */
export function isEnabled(given: unknown, env: Env): boolean {
  if (typeof given === 'boolean') return given
  if (given !== undefined) throw invalid('enabled', given, 'Give true or false.')
  const text = variable(env, 'PX_USAGE_ENABLED')
  if (text === undefined || /^(1|true|on|yes|y)$/i.test(text)) return true
  if (/^(0|false|off|no|n)$/i.test(text)) return false
  throw invalid('enabled (PX_USAGE_ENABLED)', text, 'Give true (1, yes, on) or false (0, no, off).')
}

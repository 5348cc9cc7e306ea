import { PxError } from '../px-error.ts'
import type { Switches } from '../switches.ts'

/** Permissions of a REST key: Read permits GET, Write permits POST, PUT and DELETE. */
export interface KeyPermissions {
  /** @default false */
  read?: boolean
  /** @default false */
  write?: boolean
}

export type ApiKeys = Map<string, KeyPermissions>

/**
 * Checks that the key of a request permits its method. Returns the key.
 *
 * @throws {PxError} 401 for an unknown key, 403 (or what the switch says) for one that lacks the permission
 */
export function authorize(
  keys: ApiKeys,
  key: string | undefined,
  method: string,
  { weakKeyStatus }: Readonly<Switches>,
): string {
  const permissions = key === undefined ? undefined : keys.get(key)
  if (key === undefined || permissions === undefined) {
    throw new PxError(401, 'Authentication failed in loginAwareAuthentication')
  }
  const isRead = method === 'GET' || method === 'HEAD'
  if (!(isRead ? permissions.read : permissions.write)) {
    throw new PxError(weakKeyStatus, `The key lacks the ${isRead ? 'Read' : 'Write'} permission`)
  }
  return key
}

import { randomUUID } from 'node:crypto'
import { PxError } from '../px-error.ts'

export type MemberKind = 'user' | 'account'

/** A custom attribute as an administrator declares it: the REST API can only read it. */
export interface DeclaredAttribute {
  /** The name in `customAttributes`, case-sensitive. */
  apiName: string
  /** @default 'STRING' */
  type?: 'STRING' | 'NUMBER' | 'BOOLEAN' | 'DATE_TIME'
  /** @default the `apiName` */
  name?: string
  /** @default 'ENABLED' */
  state?: 'ENABLED' | 'DISABLED' | 'DELETED'
}

const types: readonly unknown[] = ['STRING', 'NUMBER', 'BOOLEAN', 'DATE_TIME']
const states: readonly unknown[] = ['ENABLED', 'DISABLED', 'DELETED']

export interface AttributeModel {
  /** Declares attributes. Each replaces one of the same name. @throws {PxError} 400 */
  declare(kind: MemberKind, attributes: readonly DeclaredAttribute[], nowMs: number): void
  /** Whether a value of this name is accepted. */
  isDeclared(kind: MemberKind, apiName: string): boolean
  /** Returns the body of `GET /v1/admin/model/{kind}/attributes`. */
  list(kind: MemberKind): Record<string, unknown>[]
}

export function createAttributeModel(): AttributeModel {
  const model = {
    user: new Map<string, Record<string, unknown>>(),
    account: new Map<string, Record<string, unknown>>(),
  }
  return {
    declare(kind, attributes, nowMs) {
      for (const { apiName, type = 'STRING', name = apiName, state = 'ENABLED' } of attributes) {
        if (
          typeof apiName !== 'string' ||
          apiName === '' ||
          !types.includes(type) ||
          !states.includes(state)
        ) {
          const given = JSON.stringify({ apiName, type, state })
          throw new PxError(
            400,
            `${given} is not a valid attribute: it needs an apiName, and a type of ${types.join(', ')}`,
          )
        }
        model[kind].set(apiName, {
          id: randomUUID(),
          name,
          apiName,
          internalName: apiName,
          description: '',
          type,
          state,
          origin: 'CUSTOM',
          createdDate: nowMs,
          modifiedDate: nowMs,
          defaultValue: null,
        })
      }
    },
    isDeclared: (kind, apiName) => model[kind].get(apiName)?.state === 'ENABLED',
    list: (kind) => [...model[kind].values()],
  }
}

import { fields } from './custom-event.ts'
import { type FieldError, PxError, validationError } from './px-error.ts'

type Member = Record<string, unknown>

/** One collection of the audience: the users or the accounts. */
export interface Members {
  create(body: unknown): void
  /** Merges what is given into what is there, custom attributes by name. */
  update(id: string, body: unknown): void
  get(id: string): Member
  remove(id: string): void
  list(): Member[]
  clear(): void
  /** The custom attributes in use, as attribute metadata. */
  attributes(): { apiName: string; type: string; state: string; origin: string }[]
}

interface MembersKind {
  /** As it stands in messages: `User`. */
  name: string
  /** The field that holds the id. */
  idField: string
  required: readonly string[]
}

export const userKind: MembersKind = { name: 'User', idField: 'identifyId', required: ['identifyId'] }
export const accountKind: MembersKind = { name: 'Account', idField: 'id', required: ['id', 'name'] }

/** Users or accounts, by their case-sensitive id. */
export function createMembers({ name, idField, required }: MembersKind): Members {
  const members = new Map<string, Member>()

  function known(id: string): Member {
    const member = members.get(id)
    if (member === undefined) throw new PxError(404, `${name} was not found for parameters {id=${id}}`)
    return member
  }

  return {
    create(body) {
      const given = fields(body)
      const errors: FieldError[] = []
      const refuse = (field: string, message: string) =>
        errors.push({ object: name.toLowerCase(), field, rejectedValue: given[field] ?? null, message })
      for (const field of required) {
        if (typeof given[field] !== 'string' || given[field] === '') refuse(field, 'must not be empty')
      }
      const keys = given.propertyKeys
      if (!Array.isArray(keys) || keys.length === 0)
        refuse('propertyKeys', 'must hold at least one product key')
      if (errors.length > 0) throw validationError(errors)
      const id = given[idField] as string
      if (members.has(id)) throw new PxError(400, `${name} ${id} exists already, possible duplicate`)
      members.set(id, { ...given })
    },

    update(id, body) {
      const member = known(id)
      const { customAttributes, ...rest } = fields(body)
      delete rest[idField]
      const merged = {
        ...(member.customAttributes as object | undefined),
        ...(customAttributes as object | undefined),
      }
      members.set(id, {
        ...member,
        ...rest,
        ...(Object.keys(merged).length > 0 ? { customAttributes: merged } : {}),
      })
    },

    get: known,
    remove(id) {
      known(id)
      members.delete(id)
    },
    list: () => [...members.values()],
    clear: () => members.clear(),
    attributes() {
      const types = new Map<string, string>()
      for (const { customAttributes } of members.values()) {
        for (const [name, value] of Object.entries(customAttributes ?? {}))
          types.set(name, attributeType(value))
      }
      return [...types].map(([apiName, type]) => ({ apiName, type, state: 'ENABLED', origin: 'CUSTOM' }))
    },
  }
}

function attributeType(value: unknown): string {
  if (typeof value === 'number') return 'NUMBER'
  return typeof value === 'boolean' ? 'BOOLEAN' : 'STRING'
}

import { randomUUID } from 'node:crypto'
import { fields, isObject } from '../events/custom-event.ts'
import { type FieldError, PxError, validationError } from '../px-error.ts'
import type { Switches } from '../switches.ts'
import type { AttributeModel, MemberKind } from './attribute-model.ts'
import { type Member, type MembersPage, membersPage } from './members-page.ts'

/** A stored member. A removed one is kept, because it can come back for seven days. */
export interface KeptMember {
  member: Member
  removedMs?: number
}

/** One collection of the audience: the users or the accounts. */
export interface Members {
  /** @throws {PxError} 400 for a member that exists already or lacks a field */
  create(body: unknown, nowMs: number): void
  /** Changes the given fields only. @throws {PxError} 404 */
  update(id: string, body: unknown): void
  /** @throws {PxError} 404 */
  get(id: string): Member
  has(id: string): boolean
  /** Restores a removed member that an event names. An unknown one is created with the given fields, if there are any. */
  appear(id: string, nowMs: number, initial: Member | undefined): void
  /** Removes a member. It keeps its attributes if it comes back within seven days, except after a hard removal. */
  remove(id: string, hard: boolean, nowMs: number): void
  all(): Member[]
  /** Returns a page of the list, by `filter`, `sort`, `pageSize` and `scrollId`. @throws {PxError} 400 */
  page(query: URLSearchParams): MembersPage
  /** Returns the undeclared attributes that were sent and left out. */
  ignored(): string[]
  restore(id: string, kept: KeptMember | null): void
  clear(): void
}

interface MembersKind {
  kind: MemberKind
  /** The name in error messages: `User`. */
  name: string
  /** The field that holds the id. */
  idField: string
  required: readonly string[]
}

export const userKind: MembersKind = {
  kind: 'user',
  name: 'User',
  idField: 'identifyId',
  required: ['identifyId'],
}
export const accountKind: MembersKind = {
  kind: 'account',
  name: 'Account',
  idField: 'id',
  required: ['id', 'name'],
}

/** Limit of the names of undeclared attributes that are kept for the page. */
const maxIgnored = 1_000
const revivalMs = 7 * 86_400_000

export interface MembersRules {
  switches: Readonly<Switches>
  model: AttributeModel
  /** Called with every change, so that it can be stored. */
  changed(id: string, kept: KeptMember | null): void
}

/** Users or accounts, by their case-sensitive id. */
export function createMembers({ kind, name, idField, required }: MembersKind, rules: MembersRules): Members {
  const { switches, model } = rules
  const kept = new Map<string, KeptMember>()
  const ignored = new Set<string>()

  function find(id: string): Member | undefined {
    const found = kept.get(id)
    return found?.removedMs === undefined ? found?.member : undefined
  }

  function known(id: string, status = 404): Member {
    const member = find(id)
    if (member === undefined) throw new PxError(status, `${name} was not found for parameters {id=${id}}`)
    return member
  }

  function keep(id: string, entry: KeptMember | null): void {
    if (entry === null) kept.delete(id)
    else kept.set(id, entry)
    rules.changed(id, entry)
  }

  /** Returns the custom attributes of a body that are accepted. @throws {PxError} 400 */
  function declared(given: unknown): [string, unknown][] {
    const undeclared = (apiName: string) =>
      switches.undeclaredAttribute !== 'store' && !model.isDeclared(kind, apiName)
    if (given !== null && !isObject(given)) {
      const error = {
        object: kind,
        field: 'customAttributes',
        rejectedValue: given,
        message: 'must be an object',
      }
      throw validationError([error])
    }
    const entries = Object.entries(given ?? {})
    const unknown = entries.filter(([apiName]) => undeclared(apiName))
    if (switches.undeclaredAttribute === 'refuse' && unknown.length > 0) {
      throw validationError(
        unknown.map(([apiName, rejectedValue]) => ({
          object: kind,
          field: `customAttributes.${apiName}`,
          rejectedValue,
          message: 'is not declared',
        })),
      )
    }
    for (const [apiName] of unknown) if (ignored.size < maxIgnored) ignored.add(apiName)
    return entries.filter(([apiName]) => !undeclared(apiName))
  }

  function put(member: Member, body: Member): Member {
    const { customAttributes, ...rest } = body
    delete rest[idField]
    if (customAttributes === undefined) return { ...member, ...rest }
    const before = switches.putAttributes === 'merge' ? (member.customAttributes as object | undefined) : {}
    const after = new Map(Object.entries(before ?? {}))
    for (const [apiName, value] of declared(customAttributes)) {
      if (value !== null || switches.nullAttribute === 'store') after.set(apiName, value)
      else if (switches.nullAttribute === 'clear') after.delete(apiName)
    }
    return { ...member, ...rest, customAttributes: Object.fromEntries(after) }
  }

  /** Returns a removed member that can still come back. */
  function former(id: string, nowMs: number): Member | undefined {
    const found = kept.get(id)
    const isInTime = found?.removedMs !== undefined && nowMs - found.removedMs <= revivalMs
    return isInTime ? found.member : undefined
  }

  function add(id: string, body: Member, nowMs: number): void {
    const blank: Member = { aptrinsicId: randomUUID(), [idField]: id }
    if (kind === 'user') Object.assign(blank, { id, type: 'USER' })
    keep(id, { member: put(former(id, nowMs) ?? blank, body) })
  }

  return {
    create(body, nowMs) {
      const given = fields(body)
      const errors: FieldError[] = []
      const refuse = (field: string, message: string) =>
        errors.push({ object: kind, field, rejectedValue: given[field] ?? null, message })
      for (const field of required) {
        if (typeof given[field] !== 'string' || given[field] === '') refuse(field, 'must not be empty')
      }
      const keys = given.propertyKeys
      if (!Array.isArray(keys) || keys.length === 0)
        refuse('propertyKeys', 'must hold at least one product key')
      if (errors.length > 0) throw validationError(errors)
      const id = given[idField] as string
      if (find(id) !== undefined) throw new PxError(400, `${name} ${id} exists already, possible duplicate`)
      add(id, given, nowMs)
    },
    update(id, body) {
      keep(id, { member: put(known(id, switches.unknownPutStatus), fields(body)) })
    },
    get: (id) => known(id),
    has: (id) => find(id) !== undefined,
    appear(id, nowMs, initial) {
      if (find(id) !== undefined) return
      if (former(id, nowMs) !== undefined) add(id, {}, nowMs)
      else if (initial !== undefined) add(id, initial, nowMs)
    },
    remove(id, hard, nowMs) {
      const member = known(id)
      keep(id, hard ? null : { member, removedMs: nowMs })
    },
    all: () =>
      [...kept.values()].filter(({ removedMs }) => removedMs === undefined).map(({ member }) => member),
    page(query) {
      return membersPage(this.all(), query, switches)
    },
    ignored: () => [...ignored],
    restore(id, entry) {
      if (entry === null) kept.delete(id)
      else kept.set(id, entry)
    },
    clear() {
      kept.clear()
      ignored.clear()
    },
  }
}

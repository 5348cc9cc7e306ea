import type { CustomEvent } from '../events/custom-event.ts'
import { Dictionary, NumberColumn, TextColumn, UuidColumn } from './columns.ts'

/** The values of one field or attribute of all events of a shape. */
export interface FieldColumn {
  name: string
  /** Within `attributes`, not beside it. */
  isAttribute: boolean
  /** Texts of kind `json` are values other than numbers and strings. */
  kind: 'number' | 'text' | 'json' | 'uuid'
  column: NumberColumn | TextColumn | UuidColumn
}

/** Events with the same name and the same fields in the same order, kept by column. */
export interface EventShape {
  readonly eventName: string
  readonly fields: readonly FieldColumn[]
  /** Number of rows that are visible; these are the first rows. */
  visible: number
  length: number
}

/** The stored events, by column. A million of them take tens of megabytes; one object each would take ten times that. */
export interface EventTable {
  readonly length: number
  /** Number of times the table was cleared. */
  readonly generation: number
  readonly shapes: readonly EventShape[]
  /** All users and accounts that events have named, by the number that the columns `identifyId` and `accountId` hold. */
  readonly identities: { readonly identifyId: Dictionary; readonly accountId: Dictionary }
  push(event: CustomEvent, receivedMs: number): void
  /** Returns the event at a place in the order of arrival. */
  at(place: number): CustomEvent
  receivedMs(place: number): number
  /** Returns shape and row of the event at a place. */
  locate(place: number): readonly [shape: EventShape, row: number]
  /** Makes visible exactly the events received up to then. Returns the number of visible events. */
  reveal(receivedBeforeMs: number): number
  clear(): void
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function createEventTable(): EventTable {
  let shapes: EventShape[] = []
  let byKey = new Map<string, number>()
  let shapeOf = new NumberColumn()
  let rowOf = new NumberColumn()
  let received = new NumberColumn()
  let visible = 0
  let generation = 0
  let identities = { identifyId: new Dictionary(), accountId: new Dictionary() }

  function makeShape(event: CustomEvent): EventShape {
    const own = Object.entries(event).filter(([name]) => name !== 'attributes' && name !== 'eventName')
    const make = (name: string, value: unknown, isAttribute: boolean): FieldColumn => {
      const kind = kindOf(name, value, isAttribute)
      const shared =
        !isAttribute && (name === 'identifyId' || name === 'accountId') ? identities[name] : undefined
      const column =
        kind === 'number' ? new NumberColumn() : kind === 'uuid' ? new UuidColumn() : new TextColumn(shared)
      return { name, isAttribute, kind, column }
    }
    return {
      eventName: event.eventName,
      fields: [
        ...own.map(([name, value]) => make(name, value, false)),
        ...Object.entries(event.attributes).map(([name, value]) => make(name, value, true)),
      ],
      visible: 0,
      length: 0,
    }
  }

  return {
    get length() {
      return received.length
    },
    get generation() {
      return generation
    },
    get shapes() {
      return shapes
    },
    get identities() {
      return identities
    },
    receivedMs: (place) => received.at(place),
    locate: (place) => [shapes[shapeOf.at(place)]!, rowOf.at(place)],

    push(event, receivedMs) {
      const key = shapeKey(event)
      let at = byKey.get(key)
      if (at === undefined) {
        at = shapes.push(makeShape(event)) - 1
        byKey.set(key, at)
      }
      const shape = shapes[at]!
      for (const { name, isAttribute, kind, column } of shape.fields) {
        const value = isAttribute ? event.attributes[name] : event[name]
        column.push((kind === 'json' ? JSON.stringify(value) : value) as never)
      }
      shapeOf.push(at)
      rowOf.push(shape.length)
      received.push(receivedMs)
      shape.length += 1
    },

    at(place): CustomEvent {
      return eventOf(shapes[shapeOf.at(place)]!, rowOf.at(place))
    },

    reveal(receivedBeforeMs) {
      while (visible > 0 && received.at(visible - 1) > receivedBeforeMs) {
        visible -= 1
        shapes[shapeOf.at(visible)]!.visible -= 1
      }
      while (visible < received.length && received.at(visible) <= receivedBeforeMs) {
        shapes[shapeOf.at(visible)]!.visible += 1
        visible += 1
      }
      return visible
    },

    clear() {
      shapes = []
      byKey = new Map()
      shapeOf = new NumberColumn()
      rowOf = new NumberColumn()
      received = new NumberColumn()
      visible = 0
      generation += 1
      identities = { identifyId: new Dictionary(), accountId: new Dictionary() }
    },
  }
}

const ownFields: ReadonlySet<string> = new Set(['identifyId', 'accountId', 'date'])

/** Returns the own field or attribute of this name. Names of attributes are compared without case. */
export function fieldOf({ fields }: EventShape, name: string): FieldColumn | undefined {
  if (ownFields.has(name)) return fields.find((field) => !field.isAttribute && field.name === name)
  const folded = name.toLowerCase()
  return (
    fields.find((field) => field.isAttribute && field.name === name) ??
    fields.find((field) => field.isAttribute && field.name.toLowerCase() === folded)
  )
}

function kindOf(name: string, value: unknown, isAttribute: boolean): FieldColumn['kind'] {
  if (typeof value === 'number') return 'number'
  if (typeof value !== 'string') return 'json'
  return name === 'eventId' && !isAttribute && uuid.test(value) ? 'uuid' : 'text'
}

function shapeKey(event: CustomEvent): string {
  const own: unknown[] = []
  for (const [name, value] of Object.entries(event)) {
    if (name === 'eventName') own.push(value)
    else if (name !== 'attributes') own.push(name, kindOf(name, value, false))
  }
  own.push(0)
  for (const [name, value] of Object.entries(event.attributes)) own.push(name, kindOf(name, value, true))
  return JSON.stringify(own)
}

function eventOf({ eventName, fields }: EventShape, row: number): CustomEvent {
  const own: [string, unknown][] = [['eventName', eventName]]
  const attributes: [string, unknown][] = []
  for (const { name, isAttribute, kind, column } of fields) {
    const value = kind === 'json' ? JSON.parse(column.at(row) as string) : column.at(row)
    ;(isAttribute ? attributes : own).push([name, value])
  }
  // An assignment to a name such as __proto__ would change the prototype; fromEntries defines a property.
  return Object.fromEntries([...own, ['attributes', Object.fromEntries(attributes)]]) as CustomEvent
}

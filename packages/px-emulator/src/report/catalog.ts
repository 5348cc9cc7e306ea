import { TextColumn } from '../columnar/columns.ts'
import { type EventTable, fieldOf } from '../columnar/event-table.ts'

/** What a chart can show: for each event name, the attributes with numbers and those to group by. */
export interface Catalog {
  /** Changes with each new event and with each reset. */
  revision: string
  events: number
  names: { name: string; events: number; numbers: string[]; groups: string[] }[]
  /** Different values of the attribute `timeZone`. */
  timeZones: string[]
}

const maxNames = 200
const maxAttributes = 100
const maxZones = 20

/** @param visible number of events that are visible */
export function catalogOf(table: EventTable, visible: number): Catalog {
  const names = new Map<string, { events: number; numbers: Set<string>; groups: Set<string> }>()
  for (const { eventName, fields, visible: rows } of table.shapes) {
    if (rows === 0) continue
    const known = names.get(eventName) ?? { events: 0, numbers: new Set(), groups: new Set() }
    if (names.size < maxNames) names.set(eventName, known)
    known.events += rows
    for (const { name, isAttribute, kind } of fields) {
      if (!isAttribute) continue
      const names = kind === 'number' ? known.numbers : known.groups
      if (names.size < maxAttributes) names.add(name)
    }
  }
  return {
    revision: `${table.generation}.${visible}`,
    events: visible,
    names: [...names].map(([name, { events, numbers, groups }]) => ({
      name,
      events,
      numbers: [...numbers],
      groups: [...groups],
    })),
    timeZones: zonesOf(table),
  }
}

/** Reads dictionaries and not rows, because the page asks every two seconds, also for a million events. */
function zonesOf(table: EventTable): string[] {
  const zones = new Set<string>()
  for (const shape of table.shapes) {
    const column = shape.visible > 0 ? fieldOf(shape, 'timeZone')?.column : undefined
    if (!(column instanceof TextColumn)) continue
    for (const zone of column.dictionary?.texts.slice(0, maxZones) ?? []) zones.add(zone)
  }
  return [...zones].slice(0, maxZones)
}

/** Returns the different values of a field, sorted; at most `limit` of them. */
export function valuesOf(table: EventTable, eventName: string, name: string, limit: number): string[] {
  const values = new Set<string>()
  for (const shape of table.shapes) {
    const column = shape.eventName === eventName ? fieldOf(shape, name)?.column : undefined
    for (let row = 0; column !== undefined && row < shape.visible && values.size < limit; row += 1) {
      values.add(String(column.at(row)))
    }
  }
  return [...values].sort()
}

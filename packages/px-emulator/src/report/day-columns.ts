import { NumberColumn } from '../columnar/columns.ts'
import { type EventShape, fieldOf } from '../columnar/event-table.ts'
import { createDayNumberOf } from './report-period.ts'

/** Number of zones whose days are kept, at two bytes an event and zone. */
const maxZones = 4

interface ZoneDays {
  dayNumberOf(ms: number): number
  columns: WeakMap<EventShape, NumberColumn>
}

/** Returns a function that gives the day of each row of a shape in a zone. Each day is computed once and then kept. */
export function createDayColumns(): (shape: EventShape, timeZone: string) => NumberColumn {
  const zones = new Map<string, ZoneDays>()
  return (shape, timeZone) => {
    const zone = zones.get(timeZone) ?? { dayNumberOf: createDayNumberOf(timeZone), columns: new WeakMap() }
    zones.delete(timeZone)
    zones.set(timeZone, zone)
    if (zones.size > maxZones) zones.delete(zones.keys().next().value!)
    const days = zone.columns.get(shape) ?? new NumberColumn()
    zone.columns.set(shape, days)
    const dates = fieldOf(shape, 'date')!.column as NumberColumn
    for (let row = days.length; row < shape.length; row += 1) days.push(zone.dayNumberOf(dates.at(row)))
    return days
  }
}

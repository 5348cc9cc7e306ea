import { NumberColumn } from '../columnar/columns.ts'
import { type EventShape, fieldOf } from '../columnar/event-table.ts'
import { createDayNumberOf } from './report-period.ts'

/** Zones of which the days are kept; two bytes an event each. */
const maxZones = 4

interface ZoneDays {
  dayNumberOf(ms: number): number
  columns: WeakMap<EventShape, NumberColumn>
}

/** Answers the day of each row of a shape in a zone, worked out once and then for new rows only. */
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

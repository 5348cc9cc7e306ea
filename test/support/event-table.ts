import {
  createEventTable,
  type EventShape,
  type EventTable,
} from '../../packages/px-emulator/src/columnar/event-table.ts'
import type { CustomEvent } from '../../packages/px-emulator/src/events/custom-event.ts'
import { createDayColumns } from '../../packages/px-emulator/src/report/day-columns.ts'
import type { ReportSettings } from '../../packages/px-emulator/src/report/report-query.ts'

const dayMs = 86_400_000
/** 2026-11-23, in days since 1970-01-01. */
export const day = Date.UTC(2026, 10, 23) / dayMs

/** An event of the emulator at noon of a day, counted from 2026-11-23. */
export function eventOf(
  attributes: Record<string, unknown>,
  changes: Partial<CustomEvent> = {},
): CustomEvent {
  return {
    ...{ eventId: '', eventName: 'dailyApiCalls', identifyId: 'ann', propertyKey: 'AP-1', userType: 'USER' },
    ...{ date: (day + 0.5) * dayMs, attributes },
    ...changes,
  }
}

export const onDay = (offset: number) => ({ date: (day + offset + 0.5) * dayMs })

/** A table in which all events are visible. */
export function tableOf(...events: readonly CustomEvent[]): EventTable {
  const table = createEventTable()
  for (const event of events) table.push(event, 0)
  table.reveal(0)
  return table
}

/** The shapes of a table with these events. */
export const shapesOf = (...events: readonly CustomEvent[]): readonly EventShape[] =>
  tableOf(...events).shapes

export function reportSettings(changes: Partial<ReportSettings> = {}): ReportSettings {
  const nowMs = (day + 1) * dayMs
  return {
    nowMs,
    weekStart: 'monday',
    averagePer: 'event',
    numericStrings: 'ignore',
    daysOf: createDayColumns(),
    ...changes,
  }
}

import { createUsageDays, previewEvents, readProcesses, type StoreReader } from '@px-usage/core/adapter'

export type PropertyType = 'number' | 'text' | 'boolean'

/** The events and attributes of an app, by what its store shows of them. */
export interface SeenEvents {
  /** The types of the properties of each event, by name. */
  readonly events: ReadonlyMap<string, ReadonlyMap<string, PropertyType>>
  /** The events of the rollups, and by what they are. `undefined` if no process has written its settings yet. */
  readonly rollups: ReadonlyArray<{ eventName: string; by: 'identity' | 'endpoint' }> | undefined
  readonly attributes: Readonly<Record<'user' | 'account', ReadonlySet<string>>>
}

/** The events of one day that are looked at. The properties of further ones hardly differ, and a day may have millions. */
const mostEvents = 10_000

/** Reads which events and attributes the store of an app has: those of the open days, and those that wait or were rejected. */
export async function readSeenEvents(reader: StoreReader): Promise<SeenEvents> {
  const events = new Map<string, Map<string, PropertyType>>()
  const attributes = { user: new Set<string>(), account: new Set<string>() }
  const { namespace } = reader
  const rollups = (await readProcesses(reader))[0]?.settings.rollups

  function see({
    eventName,
    attributes: properties = {},
  }: {
    eventName?: string
    attributes?: object
  }): void {
    if (typeof eventName !== 'string') return
    const known = events.get(eventName) ?? new Map<string, PropertyType>()
    events.set(eventName, known)
    for (const [name, value] of Object.entries(properties)) {
      const type = typeof value
      known.set(name, type === 'number' || type === 'boolean' ? type : 'text')
    }
  }

  const settings = { productKey: namespace.product, days: createUsageDays(namespace.timeZone), rollups }
  for (const { day, revision } of await reader.openDays()) {
    let seen = 0
    for await (const event of previewEvents(reader, day, { ...settings, revision })) {
      see(event)
      if (++seen >= mostEvents) break
    }
  }
  for await (const line of linesOf(reader)) {
    let body: { eventName?: string; attributes?: object; customAttributes?: object } = {}
    try {
      body = Object(JSON.parse(line.body))
    } catch {
      // A line of another version may have a body that is no JSON.
    }
    if (line.kind === 'event') see(body)
    else for (const name of Object.keys(body.customAttributes ?? {})) attributes[line.kind].add(name)
  }
  return { events, rollups, attributes }
}

async function* linesOf(reader: StoreReader) {
  const { days } = await reader.outbox()
  for (const { day } of days) {
    let seen = 0
    for await (const line of reader.lines(day)) {
      yield line
      if (++seen >= mostEvents) break
    }
  }
}

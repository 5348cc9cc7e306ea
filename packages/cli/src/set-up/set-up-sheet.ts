import type { PropertyType, SeenEvents } from './seen-events.ts'

/** What an administrator of PX does for an app. */
export interface SetUpSheet {
  /** Whether the events come from the counts of the app, or are those of the defaults. */
  readonly isSeen: boolean
  readonly keys: {
    readonly address: string
    readonly productKey: string | undefined
    readonly timeZone: string
  }
  readonly events: ReadonlyArray<{
    readonly eventName: string
    /** What has one event on each day. */
    readonly oneFor: string
    readonly properties: ReadonlyArray<{ name: string; type: PropertyType; meaning: string }>
  }>
  /** Attributes that must be declared in PX before it takes values. */
  readonly attributes: ReadonlyArray<{ of: 'user' | 'account'; apiName: string; type: 'NUMBER' }>
  readonly reports: readonly Report[]
}

interface Report {
  readonly title: string
  readonly eventName: string
  readonly property: string
  readonly function: 'Sum' | 'Average' | 'Unique users' | 'Sum / Unique users'
  readonly scope: string
  readonly by: string
}

/** What the user gives in place of what a store shows. */
interface GivenNames {
  readonly user: readonly string[]
  readonly account: readonly string[]
}

const meanings: Readonly<Record<string, string>> = {
  apiCalls: 'Finished calls of the day',
  clientErrors: 'Of these, calls with a status from 400 to 499',
  serverErrors: 'Of these, calls with a status of 500 or above',
  aborted: 'Of these, calls that the client aborted',
  timestamp: 'Noon of the day in its zone, in ms since 1970',
  day: 'The usage day, such as 2026-11-23',
  timeZone: 'The zone of the day',
  rollupId: 'Id of the event, the same if it is sent again',
  revision: 'Only on late counts: the number of the later close',
  method: 'Method of the endpoint',
  endpoint: 'Route template of the endpoint',
  backfill: 'Name of the backfill from access logs',
}

const counts = ['apiCalls', 'clientErrors', 'serverErrors', 'aborted'] as const
const always = ['timestamp', 'day', 'timeZone', 'rollupId']
const numbers = new Set<string>([...counts, 'timestamp', 'revision'])

const defaultRollups = [
  { eventName: 'dailyApiCalls', by: 'identity' },
  { eventName: 'dailyEndpointCalls', by: 'endpoint' },
] as const

/** The events of a meter with the default options. */
function defaultEvents(): SeenEvents['events'] {
  const of = (names: readonly string[]) =>
    new Map(names.map((name) => [name, numbers.has(name) ? 'number' : 'text'] as const))
  return new Map([
    ['dailyApiCalls', of([...counts, 'apiType', ...always])],
    ['dailyEndpointCalls', of([...counts, 'apiType', 'method', 'endpoint', ...always])],
  ])
}

/** Makes the sheet from what the store of an app shows, or from the defaults where it shows no event. */
export function setUpSheet(
  seen: SeenEvents | undefined,
  given: GivenNames,
  keys: SetUpSheet['keys'],
): SetUpSheet {
  const isSeen = seen !== undefined && seen.events.size > 0
  const events = isSeen ? seen.events : defaultEvents()
  const rollups = seen?.rollups ?? defaultRollups
  const byEvent = new Map<string, 'identity' | 'endpoint'>(
    rollups.map(({ eventName, by }) => [eventName, by]),
  )
  return {
    isSeen,
    keys,
    events: [...events].map(([eventName, properties]) => ({
      eventName,
      oneFor: oneFor(byEvent.get(eventName), properties),
      properties: [...properties].map(([name, type]) => ({ name, type, meaning: meaningOf(name, type) })),
    })),
    attributes: (['user', 'account'] as const).flatMap((of) =>
      [...new Set([...given[of], ...(seen?.attributes[of] ?? [])])].map((apiName) => ({
        ...{ of, apiName, type: 'NUMBER' as const },
      })),
    ),
    reports: [...events].flatMap(([eventName, properties]) =>
      reportsOf(eventName, byEvent.get(eventName), properties),
    ),
  }
}

function oneFor(by: 'identity' | 'endpoint' | undefined, properties: ReadonlyMap<string, unknown>): string {
  if (by === 'endpoint') return 'each user, account, set of properties, endpoint and day'
  // An event of track() belongs to no closed day.
  return properties.has('day') ? 'each user, account, set of properties and day' : 'each call of track()'
}

function meaningOf(name: string, type: PropertyType): string {
  if (Object.hasOwn(meanings, name)) return meanings[name] as string
  return type === 'number' ? 'A number of the app' : 'A property of the app'
}

/** The numbers of the app itself, beside the counts of calls. */
function ownNumbers(properties: ReadonlyMap<string, PropertyType>) {
  return [...properties]
    .filter(([name, type]) => type === 'number' && !numbers.has(name))
    .map(([name]) => name)
}

function reportsOf(
  eventName: string,
  by: 'identity' | 'endpoint' | undefined,
  properties: ReadonlyMap<string, PropertyType>,
): Report[] {
  const report = (
    title: string,
    property: string,
    more: Omit<Report, 'title' | 'eventName' | 'property'>,
  ) => ({
    ...{ title, eventName, property },
    ...more,
  })
  const own = ownNumbers(properties).map((name) =>
    report(`Sum of ${name}`, name, { function: 'Sum', scope: 'Daily', by: 'Account' }),
  )
  if (!properties.has('apiCalls')) return own
  if (by === 'endpoint') {
    return [
      report('Endpoints in use', 'apiCalls', { function: 'Sum', scope: 'any', by: 'endpoint' }),
      report('Endpoints that fail', 'serverErrors', { function: 'Sum', scope: 'any', by: 'endpoint' }),
    ]
  }
  return [
    report('Calls of each day', 'apiCalls', { function: 'Sum', scope: 'Daily', by: '' }),
    report('Accounts that call most', 'apiCalls', { function: 'Sum', scope: 'Monthly', by: 'Account' }),
    report('Calls of a user on an active day', 'apiCalls', {
      ...{ function: 'Average', scope: 'any', by: '' },
    }),
    report('Users who call', '', { function: 'Unique users', scope: 'Weekly', by: '' }),
    report('Calls per user of a week', 'apiCalls', {
      ...{ function: 'Sum / Unique users', scope: 'Weekly', by: '' },
    }),
    ...own,
  ]
}

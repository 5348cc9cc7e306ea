/** Which events of `GET /v1/events/custom` are listed. Both ends of the range belong to it. */
export interface EventsQuery {
  readonly startMs: number
  readonly endMs: number
  /**
   * Conditions of each `filter` parameter besides the range, such as `eventName==dailyApiCalls`. One parameter is safe: whether PX
   * joins several by AND or by OR is not publicly known.
   */
  readonly filters?: readonly (readonly string[])[]
  readonly pageSize: number
  readonly scrollId?: string | undefined
}

/** PX reads events of this many days only (px-apidocs.gainsight.com). */
export const readableDays = 190

/** Returns the path of a page of events. Without a range PX searches the last day only. */
export function eventsPath({ startMs, endMs, filters = [[]], pageSize, scrollId }: EventsQuery): string {
  const query = new URLSearchParams({ dateRangeStart: String(startMs), dateRangeEnd: String(endMs) })
  for (const conditions of filters) {
    query.append('filter', [...conditions, `date>=${startMs}`, `date<=${endMs}`].join(';'))
  }
  query.set('pageSize', String(pageSize))
  if (scrollId !== undefined) query.set('scrollId', scrollId)
  return `/v1/events/custom?${query}`
}

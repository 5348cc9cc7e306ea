import type { Meter } from '@px-usage/core'
import type { CallSettings } from './call-options.ts'

/** Reads from one framework what the shared code needs to know of a call. `Source` is what the app's callbacks receive. */
export interface CallReader<Source> {
  /**
   * Notes what the adapter needs when a request arrives. It runs within the request. If it throws, the request continues, px-usage
   * reports the failure, and the call counts as `(unmatched)`.
   *
   * @returns a value that `route` receives as `entered` for this call
   */
  enter?(source: Source): unknown
  /**
   * Returns the route template of the call, or `undefined` if no route matched. Called after the response has finished.
   *
   * @param statusCode as in a `FinishedCall`
   * @param entered what `enter` returned
   */
  route(source: Source, statusCode: number, entered: unknown): string | undefined
  /**
   * Returns the name of a call to which an app mounted in this one responded. Without this method, the name stays `inner`.
   *
   * @param inner the name that the middleware of that app gave, with the same meter
   */
  around?(source: Source, inner: string): string
}

/** What one middleware needs to count its calls. */
export interface Observer<Source> {
  meter: Meter
  options: CallSettings<Source>
  reader: CallReader<Source>
}

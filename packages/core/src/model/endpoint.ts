/** What was called: the method and the route template. */
export interface Endpoint {
  readonly method: string
  readonly route: string
}

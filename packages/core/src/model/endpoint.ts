/** The method and the route template of a call. */
export interface Endpoint {
  readonly method: string
  readonly route: string
}

/** What was called: the method and the route template. */
export interface Endpoint {
  method: string
  route: string
}

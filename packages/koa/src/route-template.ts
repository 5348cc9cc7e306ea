/** What @koa/router and koa-router put on a context: undocumented, but the same since koa-router 7. */
export interface RoutedContext {
  _matchedRoute?: unknown
}

/** The template of the route that answered; `undefined` if none matched. */
export function routeTemplate(ctx: RoutedContext): string | undefined {
  const matched = ctx._matchedRoute
  return matched === undefined ? undefined : String(matched)
}

import { type App, appOf, ownRouter, type Router, routerOf } from './app.ts'
import { mountsVersion } from './mounted-apps.ts'

/** What a router held when the tree was walked: it tells of routes and mounts that were added, removed or exchanged since. */
export interface Snapshot {
  hasChanged(): boolean
}

/**
 * @param owner the router, or the app whose router it is: an app of Express 4 has none before its first route
 * @param version of the apps that are known to be mounted in the app
 */
export function createSnapshot(
  owner: App | Router,
  router: Router | undefined,
  version: number | undefined,
): Snapshot {
  const layers = router === undefined ? [] : router.stack.slice(0, mostCompared)
  const handles = layers.map(handleOf)
  const { length } = router?.stack ?? []
  const app = appOf(owner)

  /** The router of an app is looked into when there is another thing in its place. */
  function hasOtherRouter(app: App): boolean {
    return ownRouter(app) !== router && routerOf(app) !== router
  }

  return {
    hasChanged() {
      if (app !== undefined && (hasOtherRouter(app) || mountsVersion(app) !== version)) return true
      if (router === undefined) return false
      const { stack } = router
      if (stack.length !== length) return true
      for (let at = 0; at < layers.length; at++) {
        if (stack[at] !== layers[at] || handleOf(stack[at]) !== handles[at]) return true
      }
      return false
    },
  }
}

/** Behind it only the length of a stack is compared. */
const mostCompared = 1_000

function handleOf(layer: unknown): unknown {
  try {
    return (layer as { handle?: unknown } | null)?.handle
  } catch {
    return undefined
  }
}

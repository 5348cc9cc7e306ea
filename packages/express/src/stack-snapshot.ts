import { type App, appOf, ownRouter, type Router, routerOf } from './app.ts'
import { mountsVersion } from './mounts/mounted-apps.ts'

/** The layers of a router or a route at one time. It detects those that were added, removed or replaced since. */
export interface Snapshot {
  hasChanged(): boolean
}

/**
 * Takes a snapshot of a router, of a route, which has layers as a router has, or of an app and its router.
 *
 * @param holder the router, or the app that has it; an app of Express 4 has no router before its first route
 * @param version `mountsVersion()` of the app
 */
export function createSnapshot(
  holder: App | Router,
  router: Router | undefined,
  version: number | undefined,
): Snapshot {
  const layers = router === undefined ? [] : router.stack.slice(0, maxCompared)
  const handles = layers.map(handleOf)
  const { length } = router?.stack ?? []
  const app = appOf(holder)

  /** Returns whether the app has another router. `routerOf()` costs more, so it runs only if the value has changed. */
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

/** The most layers of a stack that are compared one by one. Of a longer stack, the rest is compared by length only. */
const maxCompared = 1_000

function handleOf(layer: unknown): unknown {
  try {
    return (layer as { handle?: unknown } | null)?.handle
  } catch {
    return undefined
  }
}

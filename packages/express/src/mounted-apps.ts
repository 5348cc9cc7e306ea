import { type App, appAndParents } from './app.ts'

interface Children {
  /** Weak: an app may be mounted for one request, and its parent stay. */
  readonly apps: WeakRef<App>[]
  readonly known: WeakSet<App>
  /** Rises with every app. */
  version: number
}

/** A mounted app stands in its parent's stack as a closure, so it is known from the first request that came through it. */
const childrenOf = new WeakMap<App, Children>()

/** A request came through this app, so it is mounted in its parent. */
export function learnMounts(app: App): void {
  for (const child of appAndParents(app)) {
    const { parent } = child
    if (parent === undefined) return
    let children = childrenOf.get(parent)
    if (children === undefined) {
      children = { apps: [], known: new WeakSet(), version: 0 }
      childrenOf.set(parent, children)
    }
    if (children.known.has(child)) continue
    children.known.add(child)
    children.version += 1
    const alive = children.apps.findIndex((ref) => ref.deref() === undefined)
    if (alive === -1) children.apps.push(new WeakRef(child))
    else children.apps[alive] = new WeakRef(child)
  }
}

export function mountedIn(app: App): App[] {
  return (childrenOf.get(app)?.apps ?? []).flatMap((ref) => {
    const child = ref.deref()
    return child !== undefined && child.parent === app ? [child] : []
  })
}

/** Another number whenever an app more is known to be mounted in this one. */
export function mountsVersion(app: App): number {
  return childrenOf.get(app)?.version ?? 0
}

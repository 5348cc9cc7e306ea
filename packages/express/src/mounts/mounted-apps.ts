import { type App, appAndParents } from '../app.ts'

/** The apps that are mounted in one app. */
interface Children {
  /** Weak references, because an app may be mounted for a single request in a parent that stays. */
  readonly apps: WeakRef<App>[]
  readonly known: WeakSet<App>
  /** Increases with every new app. */
  version: number
}

/** Apps by parent. Express hides a mounted app in a closure, so it becomes known with the first request that passes through it. */
const childrenOf = new WeakMap<App, Children>()

/** Notes that a request came through this app, which shows that it and its parents are mounted in each other. */
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

/** Returns the apps that are known to be mounted in this one. */
export function mountedIn(app: App): App[] {
  return (childrenOf.get(app)?.apps ?? []).flatMap((ref) => {
    const child = ref.deref()
    return child !== undefined && child.parent === app ? [child] : []
  })
}

/** Returns a number that changes whenever another app is found to be mounted in this one. */
export function mountsVersion(app: App): number {
  return childrenOf.get(app)?.version ?? 0
}

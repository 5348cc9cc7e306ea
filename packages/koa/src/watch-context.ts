import { isProxy } from 'node:util/types'
import { plainProperty } from '@px-usage/http'

/** Called after an assignment. It must not throw, because it runs within that assignment of the app. */
export type OnAssign = (target: object, value: unknown) => void

/** Returns whether this assignment is the last one that matters. It must not throw. Then the property becomes a plain one, unwatched. */
export type IsLast = (target: object) => boolean | undefined

/**
 * Defines a property. A descriptor with a prototype takes half the time, but fails if the app has added `get` or `set` to
 * `Object.prototype`; then one without a prototype is used.
 */
function defineAs(target: object, name: PropertyKey, descriptor: PropertyDescriptor): boolean {
  try {
    return Reflect.defineProperty(target, name, descriptor)
  } catch {
    return Reflect.defineProperty(target, name, Object.assign(Object.create(null), descriptor))
  }
}

/**
 * Returns a function that adds an accessor to a holder, the object from which contexts inherit. From then on, `onAssign` is called
 * whenever the property is assigned on an object that inherits from the holder. Afterwards, nothing would show the order
 * of the assignments, or the path at that time.
 *
 * An assignment has the same effect as without the accessor: it creates an own enumerable property, fails on a frozen object, and
 * the property can be sealed, deleted, copied and inherited as usual. A property that the app has made an accessor or read-only
 * is not watched.
 */
export function watchedProperty(
  name: string,
  onAssign: OnAssign,
  isLast: IsLast = () => false,
): (holder: object) => void {
  const slot = Symbol(name)
  const accessor = { configurable: true, enumerable: true, get: read, set: write }
  const defineSlot = plainProperty(slot)
  const definePlain = plainProperty(name)

  /** Holders that had no such property before. */
  const added = new WeakSet<object>()

  function holderOf(target: object): object | undefined {
    let holder: object | null = target
    while (holder !== null && !Object.hasOwn(holder, name)) holder = Object.getPrototypeOf(holder)
    return holder ?? undefined
  }

  function read(this: object): unknown {
    try {
      return (holderOf(this) as { [slot]?: unknown } | undefined)?.[slot]
    } catch {
      // A proxy refused the symbol.
      return undefined
    }
  }

  function write(this: object, value: unknown): void {
    if (isNew(this) && isLast(this) === true && definePlain(this, value)) return
    if (!assign(this, value)) refuse(name, write, Object.hasOwn(this, name) || isReadOnly(this))
    onAssign(this, value)
  }

  /** Returns whether an assignment adds the property to this object, as without the accessor. */
  function isNew(target: object): boolean {
    return (
      !isProxy(target) && !Object.hasOwn(target, name) && Object.isExtensible(target) && !isReadOnly(target)
    )
  }

  function assign(target: object, value: unknown): boolean {
    if (isProxy(target)) return assignBehind(target, value)
    const isOwn = Object.hasOwn(target, name)
    if (!Object.isExtensible(target)) return isOwn && Reflect.set(target, slot, value)
    if (!isOwn && isReadOnly(target)) return false
    if (isOwn) (target as { [slot]?: unknown })[slot] = value
    else define(target, value)
    return true
  }

  /** Assigns through a proxy, where the property stays a plain one, because the traps may observe how it is defined. */
  function assignBehind(proxy: object, value: unknown): boolean {
    const own = Reflect.getOwnPropertyDescriptor(proxy, name)
    if (own?.set === write) {
      return (
        defineAs(proxy, name, { configurable: true, enumerable: true, writable: true, value }) ||
        Reflect.set(proxy, slot, value)
      )
    }
    if (own === undefined && isReadOnly(proxy)) return false
    return Reflect.set(Object.create(null), name, value, proxy)
  }

  /** Returns whether a target inherits the property from a frozen object. JavaScript refuses the assignment of such a property. */
  function isReadOnly(target: object): boolean {
    try {
      const holder = holderOf(target)
      return holder !== undefined && !added.has(holder) && Object.isFrozen(holder)
    } catch {
      // A proxy refused to return its prototype.
      return false
    }
  }

  function define(target: object, value: unknown): void {
    if (defineSlot(target, value)) defineAs(target, name, accessor)
  }

  return (holder) => {
    const own = Object.getOwnPropertyDescriptor(holder, name)
    if (!Object.isExtensible(holder) || own?.configurable === false || own?.writable === false) return
    // The property is an accessor already: the app's, or ours.
    if (own !== undefined && !('value' in own)) return
    if (own === undefined) added.add(holder)
    define(holder, own?.value)
    if (!own?.enumerable) Object.defineProperty(holder, name, { enumerable: false })
  }
}

/** Calls `onAssign` whenever an accessor of Koa is assigned. The accessor works as before. */
export function watchAccessor(holder: object, name: string, onAssign: OnAssign): void {
  const own = Object.getOwnPropertyDescriptor(holder, name)
  const { get, set, configurable } = own ?? {}
  if (get === undefined || set === undefined || !configurable) return
  Object.defineProperty(holder, name, {
    ...own,
    set(this: object, value: unknown) {
      set.call(this, value)
      onAssign(this, value)
    },
  })
}

/**
 * Refuses an assignment as JavaScript does for a frozen object: it throws in strict code, and does nothing in sloppy code such as
 * that of koa-mount and `@koa/router` 12.
 *
 * @throws {TypeError} the error of JavaScript itself, where the assignment would throw without the accessor
 */
function refuse(name: string, write: (value: unknown) => void, isReadOnly: boolean): void {
  if (isCalledSloppily(write)) return
  const refusing: Record<string, unknown> = isReadOnly ? { [name]: undefined } : {}
  Object.freeze(refusing)
  refusing[name] = undefined
}

/** Returns whether sloppy code called the function. V8 shows the function of a call site in stack traces only for sloppy code. */
function isCalledSloppily(callee: (value: unknown) => void): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 1
    Error.prepareStackTrace = (_error, sites) => sites[0]?.getFunction() !== undefined
    const trace: { stack?: unknown } = {}
    Error.captureStackTrace(trace, callee)
    return trace.stack === true
  } catch {
    return false
  } finally {
    restore(prepareStackTrace, stackTraceLimit)
  }
}

function restore(prepareStackTrace: typeof Error.prepareStackTrace, stackTraceLimit: number): void {
  try {
    Error.stackTraceLimit = stackTraceLimit
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace')
    else Error.prepareStackTrace = prepareStackTrace
  } catch {
    // The intrinsics are frozen, so nothing was changed either.
  }
}

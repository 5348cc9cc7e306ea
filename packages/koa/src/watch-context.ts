import type { BaseContext, Context } from 'koa'

/**
 * Calls `onAssign` whenever the property is assigned on one of an app's contexts: afterwards nobody can know in which order
 * the assignments came, nor what the path was then. Reading and writing the property goes on as before.
 *
 * The accessor stands on `app.context`, Koa's own place for additions; nothing of Koa or of a router is replaced. A
 * property that the app has made an accessor itself is left alone.
 */
export function watchContext(
  context: BaseContext,
  name: string,
  onAssign: (ctx: Context, value: unknown) => void,
): void {
  const own = Object.getOwnPropertyDescriptor(context, name)
  const isFree = own === undefined ? Object.isExtensible(context) : own.configurable && own.get === undefined
  if (!isFree) return
  const assigned: unique symbol = Symbol(name) as never
  type Watched = { [assigned]?: unknown }
  let inherited: unknown = own?.value
  Object.defineProperty(context, name, {
    configurable: true,
    enumerable: own?.enumerable ?? false,
    get(this: Watched) {
      return assigned in this ? this[assigned] : inherited
    },
    set(this: Watched, value: unknown) {
      if (this === context) {
        inherited = value
        return
      }
      this[assigned] = value
      onAssign(this as unknown as Context, value)
    },
  })
}

/** The same for a property that Koa has made an accessor: it goes on as before. */
export function watchAccessor(
  context: BaseContext,
  name: string,
  onAssign: (ctx: Context, value: unknown) => void,
): void {
  if (Object.hasOwn(context, name) || !Object.isExtensible(context)) return
  const { get, set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(context), name) ?? {}
  if (get === undefined || set === undefined) return
  Object.defineProperty(context, name, {
    configurable: true,
    enumerable: false,
    get,
    set(this: Context, value: unknown) {
      set.call(this, value)
      onAssign(this, value)
    },
  })
}

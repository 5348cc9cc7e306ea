import type { Context } from 'koa'
import { knownOf, type Seen, seenOf } from './seen-routes.ts'

/** An app that assigns `mountPath` for reasons of its own must not fill the memory. */
const maxMounts = 64

/** koa-mount is about to take the prefix off the path. */
export function onMount(ctx: Context, prefix: unknown): void {
  if (typeof prefix !== 'string') return
  const { mounts } = seenOf(ctx)
  if (mounts.length < maxMounts) mounts.push({ prefix, path: ctx.path, request: ctx.request })
}

/** koa-mount leaves by putting back the path that it found; what the app makes of the path meanwhile is another one. */
export function onPath(ctx: Context, path: unknown): void {
  const mounts = knownOf(ctx)?.mounts
  const inner = mounts?.at(-1)
  if (inner?.path === path && inner?.request === ctx.request) mounts?.pop()
}

/** In the first request of all, mounts around this middleware come before the watch. */
export function noteMountsBefore(ctx: Context): void {
  const path = ctx.originalUrl.replace(/\?.*/s, '')
  if (!path.endsWith(ctx.path) && ctx.path !== '/') return
  const prefix = ctx.path === '/' ? path.replace(/\/$/, '') : path.slice(0, -ctx.path.length)
  if (!prefix.endsWith(ctx.mountPath)) return
  const { request } = ctx
  const outer = prefix.slice(0, -ctx.mountPath.length)
  const inner = { prefix: ctx.mountPath, path: path.slice(outer.length), request }
  seenOf(ctx).mounts = outer === '' ? [inner] : [{ prefix: outer, path, request }, inner]
}

/** A template under the prefixes of koa-mount. */
export function mounted(template: string, { mounts }: Pick<Seen, 'mounts'>): string {
  const prefix = mounts.map((mount) => mount.prefix.replace(/\/$/, '')).join('')
  return template === '/' && prefix !== '' ? prefix : `${prefix}${template}`
}

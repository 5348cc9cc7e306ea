import type { Context } from 'koa'
import { knownOf, seenOf } from './seen-routes.ts'

/** The most mounts that are kept for a request. An app that assigns `mountPath` itself would otherwise fill the memory. */
const maxMounts = 64

/** Notes a prefix that koa-mount is about to remove from the path. */
export function onMount(ctx: Context, prefix: unknown): void {
  if (typeof prefix !== 'string') return
  const seen = seenOf(ctx)
  seen.mounts ??= []
  if (seen.mounts.length < maxMounts) seen.mounts.push({ prefix, path: ctx.path, request: ctx.request })
}

/** Notes that koa-mount has finished: it restores the path that it found. Other assignments to `path` come from the app. */
export function onPath(ctx: Context, path: unknown): void {
  const mounts = knownOf(ctx)?.mounts
  const inner = mounts?.at(-1)
  if (inner?.path === path && inner?.request === ctx.request) mounts?.pop()
}

/** Notes the mounts around this middleware for the first request, in which they ran before the watch was installed. */
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

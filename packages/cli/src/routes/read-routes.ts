import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { failedError, usageError } from '../exit-codes.ts'
import type { Route } from './route-matcher.ts'

const openApiMethods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const
const line = /^(?:([A-Z][A-Z_-]*)\s+)?(\/\S*)$/

/**
 * Reads the route templates of a service: a list with one on each line, the JSON of `px-usage endpoints` or `meter.endpoints()`, or an
 * OpenAPI description (JSON or YAML). It comes from a file, or from the running app by http.
 *
 * @throws {CommandError} if it cannot be read or has no template
 */
export async function readRoutes(from: string, cwd: string): Promise<Route[]> {
  const routes = parseRoutes(await textOf(from, cwd), from)
  if (routes.length === 0)
    throw usageError(`--routes ${from} has no route template such as GET /v1/users/:id.`)
  return routes
}

async function textOf(from: string, cwd: string): Promise<string> {
  try {
    if (!/^https?:\/\//.test(from)) return await readFile(resolve(cwd, from), 'utf8')
    const response = await fetch(from)
    if (!response.ok) throw new Error(`the app returned ${response.status}`)
    return await response.text()
  } catch (error) {
    throw failedError(`Cannot read the routes from ${from}: ${(error as Error).message}`, error)
  }
}

/** @param from the name of the source, for messages */
export function parseRoutes(text: string, from: string): Route[] {
  const content = structured(text)
  if (content === undefined) return linesOf(text, from)
  if (Array.isArray(content)) return content.flatMap((one) => listed(one, from))
  const { paths, endpoints } = content as { paths?: unknown; endpoints?: unknown }
  if (isObject(paths)) return openApiRoutes(content, paths)
  if (Array.isArray(endpoints)) return endpoints.flatMap((one) => listed(one, from))
  throw usageError(`--routes ${from} has neither paths (OpenAPI) nor a list of endpoints.`)
}

/** Returns the value of JSON or YAML, `undefined` for a list of templates. */
function structured(text: string): object | undefined {
  const begin = text.trimStart()
  if (!/^[[{]/.test(begin) && !/^(openapi|swagger)["']?\s*:/m.test(begin)) return undefined
  try {
    const content: unknown = parseYaml(text)
    return typeof content === 'object' && content !== null ? content : undefined
  } catch {
    return undefined
  }
}

function linesOf(text: string, from: string): Route[] {
  const routes: Route[] = []
  for (const [at, given] of text.split(/\r?\n/).entries()) {
    const trimmed = given.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const [, method, route] = line.exec(trimmed) ?? []
    if (route === undefined) {
      throw usageError(
        `--routes ${from}, line ${at + 1}: ${JSON.stringify(trimmed.slice(0, 60))} is no template such as GET /v1/users/:id.`,
      )
    }
    routes.push({ method, route })
  }
  return routes
}

/** Returns the route in one entry of a list. Names such as `(unmatched)` and `_OTHER` stand for calls without one. */
function listed(entry: unknown, from: string): Route[] {
  if (typeof entry === 'string') return linesOf(entry, from)
  const { method, route } = (isObject(entry) ? entry : {}) as { method?: unknown; route?: unknown }
  if (typeof route !== 'string')
    throw usageError(`--routes ${from}: an entry has no route: ${JSON.stringify(entry)}`)
  if (!route.startsWith('/')) return []
  return [{ method: typeof method === 'string' && /^[A-Z]/.test(method) ? method : undefined, route }]
}

/** `{id}` becomes `:id`, as Express and Koa name it, so that past days and live days have the same endpoints. */
function openApiRoutes(content: object, paths: object): Route[] {
  const base = basePath(content)
  return Object.entries(paths).flatMap(([path, operations]) => {
    const route = `${base}${path}`.replace(/\{([^{}/]+)\}/g, ':$1')
    const methods = openApiMethods.filter(
      (method) => isObject(operations) && Object.hasOwn(operations, method),
    )
    return methods.map((method) => ({ method: method.toUpperCase(), route }))
  })
}

/** Returns the path in the address of the first server, or `basePath` of version 2. */
function basePath(content: object): string {
  const { servers, basePath } = content as { servers?: Array<{ url?: unknown }>; basePath?: unknown }
  const url = Array.isArray(servers) ? servers[0]?.url : basePath
  if (typeof url !== 'string') return ''
  const path = url.replace(/^[a-z]+:\/\/[^/]*/i, '')
  return path.replace(/\/+$/, '')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

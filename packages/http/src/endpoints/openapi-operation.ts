import { matcher } from '../star-pattern.ts'

/** The parts of an OpenAPI document that name its operations. */
export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, object | undefined>> | undefined
  /** The path of each address precedes those of the operations. */
  readonly servers?: readonly { readonly url: string }[] | undefined
  /** What OpenAPI 2 has in place of `servers`. */
  readonly basePath?: string | undefined
}

/** What a request of Express, a context of Koa and a request of Node have in common. */
export interface NamedRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly originalUrl?: string | undefined
}

interface Operation {
  readonly name: string
  readonly parameters: number
  readonly segments: readonly ((text: string) => boolean)[]
}

/**
 * Returns a function for the option `endpoint` that names calls by the operations of an OpenAPI document:
 * `endpoint: openapiOperation(document)`. The name is the `operationId`, or the path template where an operation has no id. As in OpenAPI,
 * a path without parameters is matched before one with parameters.
 *
 * The function returns `undefined` for a request that the document does not describe.
 */
export function openapiOperation(document: OpenApiDocument): (request: NamedRequest) => string | undefined {
  const operations = readOperations(document)
  return ({ method = 'GET', url = '', originalUrl = url }) => {
    const [path = ''] = originalUrl.split('?', 1)
    const segments = segmentsOf(path)
    const find = (method: string) =>
      operations
        .get(`${method.toLowerCase()} ${segments.length}`)
        ?.find((each) => each.segments.every((matches, at) => matches(segments[at] as string)))
    return (find(method) ?? (method === 'HEAD' ? find('GET') : undefined))?.name
  }
}

/** Returns the operations of each method and number of segments, those with the fewest parameters first. */
function readOperations({ paths = {}, servers, basePath = '' }: OpenApiDocument): Map<string, Operation[]> {
  const found = new Map<string, Operation[]>()
  const bases = servers?.map(({ url }) => url.replace(/^\w+:\/\/[^/]*/, '')) ?? [basePath]
  for (const base of new Set(bases.map((base) => base.replace(/\/$/, '')))) {
    for (const [path, methods = {}] of Object.entries(paths)) {
      const template = segmentsOf(base + path)
      const parameters = template.filter((segment) => segment.includes('{')).length
      const segments = template.map(segmentMatcher)
      for (const [method, operation] of Object.entries(methods)) {
        const id: unknown = operation?.operationId
        const name = typeof id === 'string' && id !== '' ? id : base + path
        const key = `${method} ${template.length}`
        found.set(key, [...(found.get(key) ?? []), { name, parameters, segments }])
      }
    }
  }
  for (const operations of found.values()) operations.sort((a, b) => a.parameters - b.parameters)
  return found
}

/** A parameter matches a part of a segment that is not empty. */
function segmentMatcher(template: string): (text: string) => boolean {
  const matches = matcher(template.replace(/\{[^}]*\}/g, '*'))
  return (text) => text !== '' && matches(text)
}

function segmentsOf(path: string): string[] {
  return path.replace(/^\/|\/$/g, '').split('/')
}

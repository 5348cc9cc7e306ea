/** A name in GraphQL. A name of more than 100 characters is not one that a person wrote. */
const validName = /^[_A-Za-z][_0-9A-Za-z]{0,99}$/

/** Longest document that is read. It bounds the time that a request can cost. */
const maxDocument = 100_000

/**
 * Strings and comments, in which words mean nothing, then all that is needed to find the operations of a document. A string may lack its
 * end: otherwise a document of quotes and backslashes, read again from each quote, blocked the event loop for seconds.
 */
const tokens = /"""[\s\S]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?|#[^\n]*|[{}()@]|[_A-Za-z][_0-9A-Za-z]*/g

/**
 * Returns the name of the operation in a request of GraphQL, for the option `endpoint`: `endpoint: (req) => graphqlOperation(req.body)`.
 *
 * The caller chooses this name, so it is folded: `(anonymous)` for an operation without a name, `(batch)` for several operations, and
 * `(invalid)` for a name that is not one in GraphQL. Names beyond `limits.endpointsPerIdentity` fold in the meter.
 *
 * @param request the parsed body of a POST request, or the query of a GET request: `operationName` and `query`
 * @returns `undefined` if this is not a request of GraphQL
 */
export function graphqlOperation(request: unknown): string | undefined {
  if (Array.isArray(request)) return request.length === 1 ? graphqlOperation(request[0]) : '(batch)'
  if (typeof request !== 'object' || request === null) return undefined
  const { operationName, query } = request as { operationName?: unknown; query?: unknown }
  if (operationName === undefined || operationName === null || operationName === '') return nameIn(query)
  return typeof operationName === 'string' && validName.test(operationName) ? operationName : '(invalid)'
}

/** Returns the name of the only operation of a document. */
function nameIn(document: unknown): string | undefined {
  if (typeof document !== 'string' || !document.includes('{')) return undefined
  const names: string[] = []
  let depth = 0
  let before = ''
  let isOperation = false
  for (const [token] of document.slice(0, maxDocument).matchAll(tokens)) {
    if (/^["#]/.test(token)) continue
    if (isOperation && validName.test(token)) names.push(token)
    if (token === '{' || token === '(') depth++
    else if (token === '}' || token === ')') depth--
    // `fragment query on subscription` has these words as names.
    isOperation =
      depth === 0 && /^(query|mutation|subscription)$/.test(token) && !/^(fragment|on)$/.test(before)
    before = token
  }
  const [name] = names
  if (names.length > 1) return '(batch)'
  return name ?? '(anonymous)'
}

import type { RoutedRequest } from './route-template.ts'
import type { RouteTree } from './route-tree.ts'
import { isPassedOn } from './watch-request.ts'

/** The errors that were passed on in a request, as Express 5.3 keeps them there. */
const errorsKey = Symbol.for('router.tracing.publishedErrors')

/**
 * Whether the routes passed the request on and nobody took it, so that Express itself answered 404, or a handler of the app that
 * is there for it. An error with the status 404 keeps the name of its route.
 *
 * A handler that answers anything else for the route, as one that renders what the routes have found, keeps the name as well.
 */
export function isUnanswered(
  req: RoutedRequest & { [errorsKey]?: { size: number } },
  statusCode: number,
  tree: RouteTree,
): boolean {
  if (statusCode !== 404) return false
  // The outermost router has let go of the request.
  if (req.next === undefined) return !isErrorPage(req)
  return isPassedOn(req, tree) && !(Number(req[errorsKey]?.size) > 0)
}

/** The page of finalhandler, which answers for every version of Express, without its message. */
const emptyPage =
  '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre></pre>\n</body>\n</html>\n'

/**
 * What finalhandler makes of an error and of an unknown path differs in the text only, which is over when the response is: its
 * length tells. Where that is in doubt, as with signs in the path that HTML has another spelling for, it is no error.
 */
function isErrorPage({ method, originalUrl = '', res }: RoutedRequest): boolean {
  const length = Number(res?.getHeader('content-length'))
  if (res?.getHeader('content-security-policy') !== "default-src 'none'" || !(length > 0)) return false
  const path = originalUrl.replace(/[?#].*$/s, '')
  if (!/^\/(?:[\w\-./~!$()*+,:;=@]|%[0-9a-f]{2})*$/i.test(path)) return false
  return length !== emptyPage.length + `Cannot ${method} ${path}`.length
}

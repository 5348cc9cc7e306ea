import { isPassedOn } from './watch-request.ts'
import type { RoutedRequest } from './watch-route.ts'

/** The errors that were passed on in a request, as Express 5.3 keeps them there. */
const errorsKey = Symbol.for('router.tracing.publishedErrors')

/**
 * Whether the routes passed the request on and none took it, so that Express itself responded with 404, or a handler of the app that
 * is there for it. An error with the status 404 keeps the name of its route, and so does a route that responded with 404 itself.
 *
 * A handler that responds with anything else for the route, as one that renders what the routes have found, keeps the name as well.
 */
export function isUnanswered(
  req: RoutedRequest & { [errorsKey]?: { size: number } },
  statusCode: number,
): boolean {
  if (statusCode !== 404) return false
  // The outermost router has let go of the request: Express responded, or a route that called `next()` afterwards.
  if (req.next === undefined) return isPageOfExpress(req) && !isErrorPage(req)
  return isPassedOn(req) && !(Number(req[errorsKey]?.size) > 0)
}

/** The page of finalhandler, which responds for every version of Express, without its message. */
const emptyPage =
  '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre></pre>\n</body>\n</html>\n'

/** Shorter pages are not compressed (the default `threshold` of compression, in bytes). */
const compressedFrom = 1_024

function isPageOfExpress({ res }: RoutedRequest): boolean {
  return res?.getHeader('content-security-policy') === "default-src 'none'"
}

/**
 * What finalhandler makes of an error and of an unknown path differs in the text only, which is over when the response is: its
 * length tells. Where that is in doubt, as with signs in the path that HTML has another spelling for, it is no error. A
 * compressed page has no length, but then it is too long for that of an unknown path.
 */
function isErrorPage({ method, originalUrl = '', res }: RoutedRequest): boolean {
  const path = originalUrl.replace(/[?#].*$/s, '')
  if (!/^\/(?:[\w\-./~!$()*+,:;=@]|%[0-9a-f]{2})*$/i.test(path)) return false
  const unknownPath = emptyPage.length + `Cannot ${method} ${path}`.length
  if (res?.getHeader('content-encoding') !== undefined) return unknownPath < compressedFrom
  const length = Number(res?.getHeader('content-length'))
  return length > 0 && length !== unknownPath
}

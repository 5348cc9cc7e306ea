import { isPassedOn } from './watch-request.ts'
import type { RoutedRequest } from './watch-route.ts'

/** The key under which router 2.3 keeps the errors that were passed on in a request. */
const errorsKey = Symbol.for('router.tracing.publishedErrors')

/**
 * Returns whether every route passed the request on, so that Express, or the app's handler for unknown paths, responded with 404.
 *
 * Otherwise the call keeps the name of its route: if the route responded with 404 itself, if an error has the status 404, and if a
 * later handler responded with another status, such as one that renders what the route has loaded.
 */
export function isUnhandled(
  req: RoutedRequest & { [errorsKey]?: { size: number } },
  statusCode: number,
): boolean {
  if (statusCode !== 404) return false
  // The outermost router has finished: Express responded, or a route that called `next()` afterwards.
  if (req.next === undefined) return isPageOfExpress(req) && !isErrorPage(req)
  return isPassedOn(req) && !(Number(req[errorsKey]?.size) > 0)
}

/** The page of finalhandler, which responds in every version of Express, without its message. */
const emptyPage =
  '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre></pre>\n</body>\n</html>\n'

/** The default `threshold` of the middleware compression, in bytes. Shorter pages are not compressed. */
const compressedFrom = 1_024

function isPageOfExpress({ res }: RoutedRequest): boolean {
  return res?.getHeader('content-security-policy') === "default-src 'none'"
}

/**
 * Returns whether the page of finalhandler shows an error, not an unknown path.
 *
 * The two pages differ in their text only, and the text is gone when the response has finished, so its length decides. A path with
 * characters that HTML escapes makes the length uncertain and counts as unknown path. A compressed page has no length, but a
 * page that was compressed is longer than that of an unknown path.
 */
function isErrorPage({ method, originalUrl = '', res }: RoutedRequest): boolean {
  const path = originalUrl.replace(/[?#].*$/s, '')
  if (!/^\/(?:[\w\-./~!$()*+,:;=@]|%[0-9a-f]{2})*$/i.test(path)) return false
  const unknownPath = emptyPage.length + `Cannot ${method} ${path}`.length
  if (res?.getHeader('content-encoding') !== undefined) return unknownPath < compressedFrom
  const length = Number(res?.getHeader('content-length'))
  return length > 0 && length !== unknownPath
}

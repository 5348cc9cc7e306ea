import type { RoutedRequest } from './route-template.ts'

/**
 * Whether the routes passed the request on and nobody took it, so that Express itself answered 404: the outermost router has let
 * go of the request, and it was not for an error with the status 404, which keeps the name of its route.
 */
export function isUnanswered(req: RoutedRequest): boolean {
  return req.next === undefined && req.res?.statusCode === 404 && !isErrorPage(req)
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

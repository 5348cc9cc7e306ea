/**
 * Returns whether a handler gets no `next`, so that nothing can run after it: it has exactly the parameters before it.
 *
 * Its text shows the usual other ways to `next`: its name, `arguments`, and a rest parameter. The text of a bound function is hidden, so
 * such a handler counts as one that gets it. A function to which the handler passes the request is not read.
 *
 * @param parameters the number of parameters before `next`: 2 in Express, 1 in Koa
 */
export function hasNoNext(handle: unknown, parameters: number): boolean {
  if (typeof handle !== 'function' || handle.length !== parameters) return false
  const text = Function.prototype.toString.call(handle)
  return !/\bnext\b|\barguments\b|\[native code\]|\.\.\.\s*[\w$]+\s*\)/.test(text)
}

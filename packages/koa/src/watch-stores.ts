import type { IncomingMessage } from 'node:http'
import { guarded, noteContext } from '@px-usage/http'
import type { Context } from 'koa'

type Message = Record<string, unknown> & { readonly req: IncomingMessage }

/**
 * Notes the async context of a request when its handlers read the path and when they set a body. Handlers run after the app's
 * middleware, which may have entered an AsyncLocalStorage. The accessors are on `app.request` and `app.response`, where Koa expects
 * extensions, and behave like Koa's own.
 */
export const watchStores = guarded(({ app }: Context) => {
  watch(app.request, 'path')
  watch(app.response, 'body')
})

const note = guarded((message: Message) => noteContext(message.req))

function watch(target: object, name: string): void {
  if (Object.hasOwn(target, name)) return
  const { get, set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(target), name) ?? {}
  if (get === undefined || set === undefined) return
  function noting(this: Message) {
    note(this)
    return get?.call(this)
  }
  Reflect.defineProperty(target, name, {
    configurable: true,
    enumerable: false,
    // Reading the path shows that a router or handler runs. Koa itself reads the body after them.
    get: name === 'path' ? noting : get,
    set(this: Message, value: unknown) {
      note(this)
      set.call(this, value)
    },
  })
}

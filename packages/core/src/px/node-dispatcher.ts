import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'

/** The options of undici's `dispatch()` that px-usage sets. */
interface DispatchOptions {
  readonly origin: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** The controller of undici that a handler receives, as far as px-usage uses it. */
interface Controller {
  abort(reason: Error): void
}

/** The methods of undici's handler that px-usage implements. */
interface Handler {
  onRequestStart(controller: Controller): void
  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders): void
  onResponseData(controller: Controller, chunk: Buffer): void
  onResponseEnd(): void
  onResponseError(controller: Controller, error: Error): void
}

/**
 * Creates a dispatcher that sends requests with Node's own client, for a process in which undici cannot run. undici needs
 * WebAssembly, which `--jitless` disables, and its error would terminate the process.
 */
export function createNodeDispatcher(connections: number) {
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: connections }),
    https: new https.Agent({ keepAlive: true, maxSockets: connections }),
  }

  function dispatch({ origin, path, method, headers, body }: DispatchOptions, handler: Handler): boolean {
    const url = new URL(path, origin)
    const isSecure = url.protocol === 'https:'
    const request = isSecure
      ? https.request(url, { method, headers, agent: agents.https })
      : http.request(url, { method, headers, agent: agents.http })
    const controller: Controller = { abort: (reason) => void request.destroy(reason) }
    request.once('socket', (socket) => {
      // A kept-alive connection is ready at once. One that was refused at once is not connecting either, but it is destroyed.
      if (!socket.connecting && !socket.destroyed) handler.onRequestStart(controller)
      else socket.once(isSecure ? 'secureConnect' : 'connect', () => handler.onRequestStart(controller))
    })
    request.once('response', (response) => {
      handler.onResponseStart(controller, response.statusCode ?? 0, response.headers)
      response.on('data', (chunk: Buffer) => handler.onResponseData(controller, chunk))
      response.once('end', () => handler.onResponseEnd())
      response.once('error', (error) => handler.onResponseError(controller, error))
    })
    request.on('error', (error) => handler.onResponseError(controller, error))
    request.end(body ?? undefined)
    return true
  }

  return {
    dispatch: (options: object, handler: object) => dispatch(options as DispatchOptions, handler as Handler),
    async destroy(): Promise<void> {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

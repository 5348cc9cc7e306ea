import http, { type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'

/** A request as undici's `dispatch()` takes it, as far as it is used here. */
interface DispatchOptions {
  readonly origin: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

interface Controller {
  abort(reason: Error): void
}

/** What undici calls of a handler, as far as it is used here. */
interface Handler {
  onRequestStart(controller: Controller): void
  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders): void
  onResponseData(controller: Controller, chunk: Buffer): void
  onResponseEnd(): void
  onResponseError(controller: Controller, error: Error): void
}

/**
 * Makes requests by Node's own client, for a handler of undici. For a process in which undici cannot run: it needs WebAssembly,
 * which `--jitless` takes away, and what it throws then would end the process.
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
      // A connection that was refused at once is neither.
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

import type { IncomingMessage, ServerResponse } from 'node:http'
import onFinished from 'on-finished'

/**
 * Calls `done` once the response is over: sent to the end, or given up by the client.
 *
 * Nothing of the response is patched; on-finished listens to it and to the socket, which also tells of aborted requests.
 */
export function whenFinished(
  _req: IncomingMessage,
  res: ServerResponse,
  done: (aborted: boolean) => void,
): void {
  onFinished(res, () => done(!res.writableFinished))
}

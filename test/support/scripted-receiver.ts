import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the receiver does with one request. */
export type Step = (req: IncomingMessage, res: ServerResponse, body: string) => void

export interface ScriptedReceiver {
  url: string
  /** Bodies received, in order; a request that is reset before it is read is not among them. */
  bodies: string[]
  requests: IncomingMessage[]
  close(): Promise<void>
}

/** An HTTP server that handles the n-th request with the n-th step, and every later one with the last. */
export async function startReceiver(...steps: Step[]): Promise<ScriptedReceiver> {
  const bodies: string[] = []
  const requests: IncomingMessage[] = []
  const server = createServer((req, res) => {
    const step = steps[Math.min(requests.length, steps.length - 1)] as Step
    requests.push(req)
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      bodies.push(body)
      step(req, res, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function answer(status: number, body = '', headers: Record<string, string> = {}): Step {
  return (_req, res) => void res.writeHead(status, headers).end(body)
}

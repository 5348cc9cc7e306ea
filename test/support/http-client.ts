import { Agent, createServer, type RequestListener, request, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

export interface RunningServer {
  url: string
  port: number
  server: Server
  close(): Promise<void>
}

export async function startServer(listener: RequestListener): Promise<RunningServer> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 })

/** `path` is sent as it is, where that of a URL is tidied up. */
export function send(
  url: string,
  options: { method?: string; path?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(url, { agent, ...options }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() })
      })
      res.on('error', reject)
    })
    req.on('error', reject)
    req.end()
  })
}

export interface Connection {
  socket: Socket
  write(text: string): void
  /** Resolves when what came so far passes. */
  until(passes: (received: string) => boolean): Promise<string>
  /** Everything that came, when the server has closed the connection. */
  end(): Promise<string>
}

/** A connection on which the test writes HTTP itself, and sees every byte of the responses. */
export function openConnection(port: number): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
  })
  socket.on('error', () => {})
  const until = (passes: (received: string) => boolean) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (!passes(received)) return
        socket.off('data', look).off('close', fail)
        resolve(received)
      }
      const fail = () => reject(new Error(`The connection closed after ${JSON.stringify(received)}.`))
      socket.on('data', look).on('close', fail)
      look()
    })
  const end = () =>
    new Promise<string>((resolve) => {
      if (socket.closed) resolve(received)
      socket.on('close', () => resolve(received))
    })
  return { socket, write: (text) => void socket.write(text, 'latin1'), until, end }
}

/** The text of a request, with the headers that are given. */
export function requestText(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): string {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

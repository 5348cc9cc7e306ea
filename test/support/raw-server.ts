import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

export interface RawServer {
  port: number
  /** Bytes received, by connection. */
  received: string[]
  close(): Promise<void>
}

/** A server that speaks no protocol: `talk` does what it likes with each connection, and again with each piece of data. */
export async function startRawServer(
  talk: (socket: Socket, data: string | undefined, connection: number) => void,
  tls?: { cert: string; key: string },
): Promise<RawServer> {
  const sockets = new Set<Socket>()
  const received: string[] = []
  const onSocket = (socket: Socket) => {
    const connection = received.push('') - 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.on('data', (data) => {
      received[connection] += data.toString('latin1')
      talk(socket, data.toString('latin1'), connection)
    })
    talk(socket, undefined, connection)
  }
  const server: Server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

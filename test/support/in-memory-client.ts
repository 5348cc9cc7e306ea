import type { Server } from 'node:http'
import { Duplex } from 'node:stream'

/** Sends requests to a server that listens on no port. */
export interface InMemoryClient {
  /** Sends requests, one at a time on each connection, and resolves when the server has responded to all of them. */
  send(count: number): Promise<void>
}

/**
 * Connects to a server without a network. Node's parser, its request and response and the framework run as in production; only the
 * system calls of the sockets are missing. The next requests are sent in the turn of the event loop after their responses, so that
 * several calls finish in one turn, as on a busy server.
 *
 * The server must write a response and its body within one turn. Its responses are not read.
 *
 * @param requests the bytes of each request; they are sent in turns
 */
export function connectInMemory(
  server: Server,
  requests: readonly Buffer[],
  connections = 32,
): InMemoryClient {
  let idle: Duplex[] = []
  let sent = 0
  let responded = 0
  let wanted = 0
  let next = 0
  let isScheduled = false
  let finished: (() => void) | undefined

  function noteResponse(socket: Duplex, chunk: Buffer | string): void {
    const isHead = typeof chunk === 'string' ? chunk.startsWith('HTTP/1.1 ') : chunk[0] === 0x48
    if (!isHead) return
    responded += 1
    idle.push(socket)
    if (isScheduled) return
    isScheduled = true
    setImmediate(sendNext)
  }

  function sendNext(): void {
    isScheduled = false
    if (responded === wanted) {
      finished?.()
      return
    }
    const waiting = idle
    idle = []
    for (const socket of waiting) {
      if (sent === wanted) idle.push(socket)
      else {
        sent += 1
        next = (next + 1) % requests.length
        socket.push(requests[next])
      }
    }
  }

  function connect(): Duplex {
    const socket: Duplex = new Duplex({
      decodeStrings: false,
      read() {},
      write(chunk: Buffer | string, _encoding, done) {
        noteResponse(socket, chunk)
        done()
      },
      writev(chunks, done) {
        for (const { chunk } of chunks) noteResponse(socket, chunk)
        done()
      },
    })
    const noTimeout = () => socket
    Object.assign(socket, {
      ...{ setTimeout: noTimeout, setNoDelay: noTimeout, setKeepAlive: noTimeout },
      ...{ remoteAddress: '127.0.0.1', encrypted: false },
    })
    server.emit('connection', socket)
    return socket
  }

  server.keepAliveTimeout = 0
  for (let at = 0; at < connections; at++) idle.push(connect())

  return {
    send(count) {
      sent = 0
      responded = 0
      wanted = count
      return new Promise((resolve) => {
        finished = resolve
        sendNext()
      })
    },
  }
}

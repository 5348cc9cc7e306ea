import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { createListener } from './apps.mjs'

// One case in a process of its own: answers over a port, or drives itself without sockets, as its parent says.
const [framework, name] = process.argv.slice(2)
const server = createServer(createListener(framework, name))
const connections = 32

/** A connection without a network: what the server writes is counted, and each whole answer asks for the next. */
function connection(requests, done) {
  let left = requests
  let number = 0
  let seen = ''
  const socket = new Duplex({
    read() {},
    write(chunk, _encoding, next) {
      seen += chunk.latin1Slice()
      next()
      const end = seen.indexOf('\r\n\r\n')
      if (end === -1) return
      const length = Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0)
      if (seen.length < end + 4 + length) return
      seen = ''
      ask()
    },
  })
  Object.assign(socket, {
    setTimeout() {},
    setNoDelay() {},
    setKeepAlive() {},
    remoteAddress: '127.0.0.1',
    encrypted: false,
  })
  function ask() {
    if (left-- === 0) {
      socket.push(null)
      return done()
    }
    number = (number * 16_807 + 11) % 2_147_483_647
    const user = number % 1_000
    socket.push(
      `GET /v1/users/${user} HTTP/1.1\r\nHost: bench\r\nX-User: user-${user}\r\nX-Account: account-${user % 50}\r\n\r\n`,
    )
  }
  server.emit('connection', socket)
  setImmediate(ask)
}

process.on('message', async ({ type, requests }) => {
  const cpu = process.cpuUsage()
  if (type === 'run') {
    await Promise.all(
      Array.from(
        { length: connections },
        () => new Promise((resolve) => connection(Math.ceil(requests / connections), resolve)),
      ),
    )
  }
  const { user, system } = process.cpuUsage(cpu)
  process.send({
    type,
    cpuUs: user + system,
    totalCpuUs: process.cpuUsage().user + process.cpuUsage().system,
  })
})
server.listen(0, '127.0.0.1', () => process.send({ type: 'listening', port: server.address().port }))

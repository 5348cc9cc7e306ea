import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Starts a redis-server on a free port that keeps nothing on the disk. @throws {Error} if redis-server is not installed */
export async function startRedis(): Promise<{ url: string; stop(): void }> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  // Ctrl-C reaches only this script, which ends Redis last.
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  process.once('exit', () => redis.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    redis.once('error', (cause) => {
      const advice = 'Install it: apt-get install redis-server, or brew install redis.'
      reject(new Error(`redis-server, which this example needs, cannot be started. ${advice}`, { cause }))
    })
    redis.once('exit', (code) => reject(new Error(`redis-server ended with code ${code}.`)))
    redis.stdout.on('data', (text) => String(text).includes('Ready to accept connections') && resolve())
  })
  return { url: `redis://127.0.0.1:${port}`, stop: () => void redis.kill() }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

import { createServer } from 'node:http'
import { createMeter, memoryStore } from '@px-usage/core'

// A tool that the app has loaded listens as signal-exit 4 does: it ends the process if there is no other listener.
const emitter = { count: 1 }
Object.assign(process, { [Symbol.for('signal-exit emitter')]: emitter })
process.on('SIGTERM', function listen() {
  if (process.listenerCount('SIGTERM') !== emitter.count) return
  process.off('SIGTERM', listen)
  process.kill(process.pid, 'SIGTERM')
})

createMeter({ dryRun: true, store: memoryStore(), closeOnSignal: true })
createServer().listen(0, '127.0.0.1', () => console.log('ready'))

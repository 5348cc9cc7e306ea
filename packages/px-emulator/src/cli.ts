import { parseArgs } from 'node:util'
import { startEmulator } from './start-emulator.ts'

const help = `Usage: px-emulator [--port 7070] [--host 127.0.0.1] [--api-key emulator-key]

A local stand-in for the REST API of Gainsight PX, with a page that shows the events received.
`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '7070' },
    host: { type: 'string', default: '127.0.0.1' },
    'api-key': { type: 'string', default: 'emulator-key' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(help)
} else {
  const emulator = await startEmulator({
    port: Number(values.port),
    host: values.host,
    apiKey: values['api-key'],
  })
  process.stdout.write(
    `PX emulator: ${emulator.url}\nPX_BASE_URL=${emulator.url} PX_API_KEY=${emulator.apiKey}\n`,
  )
}

import { parseArgs } from 'node:util'
import type { Emulator } from './emulator.ts'
import { parseOptionTexts } from './option-texts.ts'
import { startEmulator } from './start-emulator.ts'
import { defaultSwitches, type Switches, switchValues } from './switches.ts'

const help = `Usage: px-emulator [options]

A local stand-in for the REST API of Gainsight PX, with a page that shows the events received.

  --port 7070                  0 picks a free one
  --host 127.0.0.1             any address but loopback opens the page and its controls to the network
  --api-key emulator-key       the key that senders must have
  --product-key AP-...         the product key of the subscription
  --time-zone UTC              the zone of the subscription, an IANA name
  --dir DIRECTORY              keeps events, users and accounts there across restarts
  --user-attribute NAME:TYPE   declares a custom attribute of users: STRING, NUMBER, BOOLEAN, DATE_TIME
  --account-attribute NAME:TYPE
  --switch NAME=VALUE          chooses a behaviour that is not publicly known of PX; --switch help lists them
`

const text = { type: 'string' } as const
const texts = { type: 'string' as const, multiple: true as const, default: [] as string[] }

try {
  await run()
} catch (error) {
  process.stderr.write(`px-emulator: ${(error as Error).message.replace(/^dir /, '--dir ')}\n`)
  process.exitCode = 1
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { ...text, default: '7070' },
      host: { ...text, default: '127.0.0.1' },
      'api-key': text,
      'product-key': text,
      'time-zone': text,
      dir: text,
      'user-attribute': texts,
      'account-attribute': texts,
      switch: texts,
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    return
  }
  if (values.switch.includes('help')) {
    for (const [name, value] of Object.entries(defaultSwitches)) {
      process.stdout.write(`${name}=${value}  (${switchValues(name as keyof Switches)})\n`)
    }
    return
  }
  const given = {
    apiKey: values['api-key'],
    productKey: values['product-key'],
    timeZone: values['time-zone'],
    dir: values.dir,
  }
  const emulator = await startEmulator({
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...parseOptionTexts({
      port: values.port,
      userAttributes: values['user-attribute'],
      accountAttributes: values['account-attribute'],
      switches: values.switch,
    }),
    host: values.host,
  })
  printAddress(emulator)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void emulator.close())
}

function printAddress({ url, apiKey, productKey, isLoopback }: Emulator): void {
  process.stdout.write(
    `PX emulator: ${url}\nPX_BASE_URL=${url} PX_API_KEY=${apiKey} PX_PRODUCT_KEY=${productKey}\n`,
  )
  if (!isLoopback) {
    process.stderr.write(
      'Anyone who can reach this address can open the page and reset the emulator without a key.\n',
    )
  }
}

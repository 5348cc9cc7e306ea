import { once } from 'node:events'
import { type Emulator, parseOptionTexts, startEmulator } from 'px-emulator'
import { repeated } from '../arguments/parse-arguments.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes, failedError, usageError } from '../exit-codes.ts'

interface Flags {
  port: string
  host: string
  apiKey?: string
  productKey?: string
  timeZone?: string
  keepIn?: string
  userAttribute: string[]
  accountAttribute: string[]
  switch: string[]
}

/** Runs the emulator of PX until the command is interrupted. */
export const emulator: CliCommand<Flags> = {
  name: 'emulator',
  summary: 'Start a local stand-in for PX, with a page that shows what it receives',
  uses: [],
  define: (command) =>
    void command
      .option('--port <port>', '0 picks a free one', '7070')
      .option('--host <address>', 'any but loopback opens the page to the network', '127.0.0.1')
      .option('--api-key <key>', 'the key that senders must have (default emulator-key)')
      .option('--product-key <key>', 'the product key of the subscription')
      .option('--time-zone <zone>', 'the zone of the subscription (default UTC)')
      .option('--keep-in <folder>', 'keep events, users and accounts there across restarts')
      .option('--user-attribute <name:type>', 'declare an attribute of users', repeated, [])
      .option('--account-attribute <name:type>', 'declare an attribute of accounts', repeated, [])
      .option('--switch <name=value>', 'choose a behaviour that is not publicly known', repeated, [])
      .addHelpText(
        'after',
        '\nTypes: STRING, NUMBER, BOOLEAN, DATE_TIME.\nThe README of px-emulator lists the switches.\n\nExample:\n  px-usage emulator --port 0 --user-attribute apiCalls:NUMBER',
      ),

  async run({ flags, output, signal }) {
    const emulator = await start(flags)
    const { url, apiKey, productKey } = emulator
    output.result({ url, apiKey, productKey }, () => {
      output.line(`PX emulator: ${url}`)
      output.line(`PX_BASE_URL=${url} PX_API_KEY=${apiKey} PX_PRODUCT_KEY=${productKey}`)
    })
    if (!emulator.isLoopback) {
      output.note('Anyone who can reach this address can open the page and reset the emulator without a key.')
    }
    if (!signal.aborted) await once(signal, 'abort')
    await emulator.close()
    return exitCodes.ok
  },
}

async function start(flags: Flags): Promise<Emulator> {
  const { apiKey, productKey, timeZone, keepIn: dir } = flags
  const given = Object.entries({ apiKey, productKey, timeZone, dir }).filter(
    ([, value]) => value !== undefined,
  )
  const { port, host, userAttribute: userAttributes, accountAttribute: accountAttributes } = flags
  try {
    const options = parseOptionTexts({ port, userAttributes, accountAttributes, switches: flags.switch })
    return await startEmulator({ ...Object.fromEntries(given), ...options, host })
  } catch (error) {
    const { message, cause } = error as Error
    // An error with a cause comes from the system: the port is in use, for example. Any other is about an option.
    if (cause !== undefined || 'syscall' in (error as Error)) throw failedError(message, error)
    throw usageError(message.replace(/^dir /, '--keep-in '))
  }
}

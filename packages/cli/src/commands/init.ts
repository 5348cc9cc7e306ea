import { existsSync } from 'node:fs'
import { repeated } from '../arguments/parse-arguments.ts'
import type { CliCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { targetText } from '../place/namespace-text.ts'
import { onlyReader, openPlace } from '../place/open-place.ts'
import { pxAddress } from '../px/px-connection.ts'
import { zoneOf } from '../px/time-zone.ts'
import { printSheet } from '../set-up/print-sheet.ts'
import { readSeenEvents } from '../set-up/seen-events.ts'
import { setUpSheet } from '../set-up/set-up-sheet.ts'
import type { Settings } from '../settings.ts'

interface Flags {
  userAttribute: string[]
  accountAttribute: string[]
}

/** Prints what an administrator of PX does for this app. Reads the store of the app if there is one, and asks PX nothing. */
export const init: CliCommand<Flags> = {
  name: 'init',
  summary: 'Print a sheet for the set-up in PX: events, attributes and reports',
  uses: ['store', 'px'],
  define: (command) =>
    void command
      .option('--user-attribute <name>', 'an attribute of users that the app sets', repeated, [])
      .option('--account-attribute <name>', 'an attribute of accounts that it sets', repeated, [])
      .addHelpText(
        'after',
        '\nThe events are those of the open days and of the outbox. Without counts they\nare those of the default options.\n\nExample:\n  px-usage init --account-attribute dailyApiCalls',
      ),

  async run({ flags, settings, output }) {
    const { seen, keys } = await readApp(settings)
    const sheet = setUpSheet(seen, { user: flags.userAttribute, account: flags.accountAttribute }, keys)
    output.result(sheet, () => printSheet(sheet, output))
    return exitCodes.ok
  },
}

/** What the store shows of the app. A folder that is not there yet is no error: the sheet is useful before the first start. */
async function readApp(settings: Settings) {
  const { place, from, productKey } = settings
  const address = pxAddress(settings)
  if (place.kind === 'folder' && from.dir === 'the default' && !existsSync(place.dir))
    return { seen: undefined, keys: { address, productKey, timeZone: zoneOf(settings) } }
  const opened = await openPlace(settings)
  try {
    const reader = onlyReader(opened)
    const { product, timeZone } = reader.namespace
    const keys = {
      // The settings of this shell may differ from those of the app, which the store shows.
      address: targetText(reader.namespace) || address,
      productKey: product || productKey,
      timeZone,
    }
    return { seen: await readSeenEvents(reader), keys }
  } finally {
    await opened.close()
  }
}

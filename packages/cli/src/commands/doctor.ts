import { resolve } from 'node:path'
import { repeated } from '../arguments/parse-arguments.ts'
import type { CliCommand } from '../command.ts'
import type { Check, Verdict } from '../doctor/check.ts'
import { printChecks } from '../doctor/print-checks.ts'
import { checkPx, otherRegionsThan } from '../doctor/run-doctor.ts'
import { checkStore } from '../doctor/store/check-store.ts'
import { checkVersions } from '../doctor/version-checks.ts'
import { exitCodes } from '../exit-codes.ts'
import { pxAddress } from '../px/px-connection.ts'
import { zoneOf } from '../px/time-zone.ts'
import { counted } from '../terminal-text.ts'

interface Flags {
  app?: string
  eventName: string
  userAttribute: string[]
  accountAttribute: string[]
  sendTestEvent?: boolean
}

/** Checks the settings, PX, the place of the counts and the app, and prints a cure for each fault. */
export const doctor: CliCommand<Flags> = {
  name: 'doctor',
  summary: 'Check the settings, PX, the folder or Redis, and the versions, with cures',
  uses: ['store', 'px'],
  define: (command) =>
    void command
      .option('--app <folder>', 'folder of the app whose versions are checked (default .)')
      .option('--event-name <name>', 'name of the daily event', 'dailyApiCalls')
      .option('--user-attribute <name>', 'an attribute of users that the app sets', repeated, [])
      .option('--account-attribute <name>', 'an attribute of accounts that it sets', repeated, [])
      .option('--send-test-event', 'send one event, to check the Write permission')
      .addHelpText(
        'after',
        '\nSends no event without --send-test-event. Ends with exit code 1 after a failure.\n\nExample:\n  px-usage doctor --dir /var/lib/api/.px-usage --app /srv/api',
      ),

  async run({ flags, settings, output, surroundings }) {
    const { env, cwd, now } = surroundings
    const { apiKey, productKey, place } = settings
    const timeZone = zoneOf(settings)
    const baseUrl = pxAddress(settings)
    const px = await checkPx(
      {
        baseUrl,
        apiKey,
        productKey,
        timeZone,
        attributes: { user: flags.userAttribute, account: flags.accountAttribute },
        eventName: flags.eventName,
        sendTestEvent: flags.sendTestEvent === true,
        otherRegions: otherRegionsThan(baseUrl),
      },
      { now },
    )
    const stored = await checkStore(place, env)
    const areas: ReadonlyArray<readonly [string, readonly Check[]]> = [
      [`PX at ${baseUrl}`, px],
      [stored.area, stored.checks],
      ['Versions', checkVersions(resolve(cwd, flags.app ?? '.'), process.version)],
    ]
    const checks = areas.flatMap(([area, found]) => found.map((check) => ({ area, ...check })))
    const count = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length
    const [ok, warnings, failures, unknown] = [
      count('ok'),
      count('warning'),
      count('failure'),
      count('unknown'),
    ]
    output.result({ ok, warnings, failures, unknown, checks }, () => {
      for (const [area, found] of areas) if (found.length > 0) printChecks(output, area, found)
      output.line(
        `${ok} ok, ${counted(warnings, 'warning')}, ${counted(failures, 'failure')}, ${unknown} not checked.`,
      )
    })
    return failures > 0 ? exitCodes.found : exitCodes.ok
  },
}

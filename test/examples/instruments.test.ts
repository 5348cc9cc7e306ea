import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const cwd = join(import.meta.dirname, '../../examples/instruments')

it('the instruments example prints each kind of event and attribute as PX got it', async () => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'start.ts'],
    { cwd },
  )
  const day = '"day":"2026-11-23"'
  const owner = '"user":"admin of acme","account":"acme"'
  for (const line of [
    'reportExported {"user":"ann","account":"acme","report":"7","format":"csv"}',
    'reportExported {"user":"bob","account":"acme","report":"7","format":"csv"}',
    `dailyExports {"user":"ann","account":"acme",${day},"rows":250,"format":"csv"}`,
    `dailyExports {"user":"bob","account":"acme",${day},"rows":250,"format":"csv"}`,
    `dailySeats {${owner},${day},"seats":2}`,
    `dailyStorage {${owner},${day},"gigabytes":1}`,
    'PUT /v1/users/ann {"dailyApiCalls":2}',
    'POST /v1/users {"dailyApiCalls":2}',
    'PUT /v1/accounts/acme {"dailyApiCalls":4,"storageGigabytes":1}',
    'POST /v1/accounts {"dailyApiCalls":4,"storageGigabytes":1}',
  ]) {
    expect(stdout.split('\n').filter((printed) => printed === line).length, line).toBeGreaterThan(0)
  }
  expect(stdout.match(/^daily(Exports|Seats|Storage) /gm)).toHaveLength(4)
  expect(stderr).toBe('')
  // Lines are delivered side by side, so their order differs.
  const [, shown = ''] = (await readFile(join(cwd, 'README.md'), 'utf8')).split('```\n')
  expect(stdout.split('\n').sort()).toEqual(shown.split('\n').sort())
})

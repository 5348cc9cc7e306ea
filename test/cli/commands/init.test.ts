import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startService } from '../../support/counting-service.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

test('before the first start, init prints the sheet of the default options', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'px-usage-init-'))
  const { code, out, err } = await runCli(['init', '--account-attribute', 'dailyApiCalls'], { cwd })
  rmSync(cwd, { recursive: true })
  expect([code, err, tooWide(out)]).toEqual([0, '', []])
  for (const text of [
    'https://api.aptrinsic.com',
    'No counts were found',
    'dailyEndpointCalls',
    'account  dailyApiCalls  Number',
    'Calls of each day',
  ]) {
    expect(out).toContain(text)
  }
})

test('init lists the events and properties that the folder of the app has', async () => {
  await using service = startService()
  service.call('ann')
  service.meter.counter('dailyExports', { property: 'rows' }).add({ userId: 'ann' }, 7, { format: 'csv' })
  await service.meter.flush()
  const { code, out } = await runCli(['init', '--json', '--dir', service.dir])
  expect(code).toBe(0)
  const sheet = JSON.parse(out)
  expect(sheet).toMatchObject({ isSeen: true, keys: { productKey: 'AP-TEST-2' } })
  expect(sheet.keys).toMatchObject({ address: 'api.aptrinsic.com', timeZone: 'UTC' })
  const names = sheet.events.map(({ eventName }: { eventName: string }) => eventName)
  expect(names.sort()).toEqual(['dailyApiCalls', 'dailyEndpointCalls', 'dailyExports'])
  expect(sheet.reports).toContainEqual(
    expect.objectContaining({ eventName: 'dailyExports', property: 'rows', function: 'Sum' }),
  )
  const text = await runCli(['init', '--dir', service.dir])
  expect(tooWide(text.out)).toEqual([])
})

test('init of a folder that was named and is not there gives exit code 3', async () => {
  const { code, err } = await runCli(['init', '--dir', '/nonexistent/px-usage'])
  expect([code, err]).toEqual([3, expect.stringContaining('/nonexistent/px-usage')])
})

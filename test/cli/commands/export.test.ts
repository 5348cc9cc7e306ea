import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startService } from '../../support/counting-service.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

const root = mkdtempSync(join(tmpdir(), 'px-usage-export-command-'))
afterAll(() => rmSync(root, { recursive: true }))
const now = () => Date.UTC(2026, 10, 24, 10)

/** A service with a closed day of ann, who is delivered, and bob, who is rejected; and an open day of cid. */
async function serviceWithDays() {
  const service = startService()
  for (const user of ['ann', 'bob']) service.call(user)
  service.reply = (body) =>
    body.includes('ann') ? { outcome: 'delivered' } : { outcome: 'rejected', reason: 'no' }
  await service.clock.advance(24 * 3_600_000)
  await service.meter.flush()
  service.call('cid')
  await service.meter.flush()
  return service
}

test('export prints the bodies that PX receives, and says on stderr what they are', async () => {
  await using service = await serviceWithDays()
  const at = { env: { PX_USAGE_DIR: service.dir }, now }
  const all = await runCli(['export', '2026-11-23'], at)
  const bodies = all.out.trimEnd().split('\n')
  expect([all.code, bodies.length, bodies.filter((body) => service.arrived.includes(body)).length]).toEqual([
    ...[0, 4, 2],
  ])
  expect(all.err).toContain('Exported 4 events of 2026-11-23 (UTC): 2 rejected, 2 delivered.\n')
  const sent = await runCli(['export', '2026-11-23', '--lines', 'sent'], at)
  expect(sent.out.trimEnd().split('\n').sort()).toEqual([...service.arrived].sort())
  const unsent = await runCli(['export', '2026-11-23', '--lines', 'unsent'], at)
  expect(unsent.out.match(/"bob"/g)).toHaveLength(2)
})

test('export of days that are not closed ends with 1, and of days without calls with 0', async () => {
  await using service = await serviceWithDays()
  const at = { env: { PX_USAGE_DIR: service.dir }, now }
  const open = await runCli(['export', '2026-11-22..2026-11-24'], at)
  expect(open.code).toBe(1)
  expect(open.err).toContain('Not closed yet, so not complete: 2026-11-24.')
  expect(open.err).toContain('No events of 2026-11-22:')
  expect(await runCli(['export', '2026-11-20'], at)).toMatchObject({ code: 0, out: '' })
})

test('export to a file prints a summary, or JSON', async () => {
  await using service = await serviceWithDays()
  const at = { env: { PX_USAGE_DIR: service.dir }, cwd: root, now }
  const text = await runCli(['export', '2026-11-23', '--format', 'csv', '--output', 'day.csv'], at)
  expect(text).toMatchObject({ code: 0, err: '' })
  expect(text.out).toContain(`  ${join(root, 'day.csv')}  4 events\n`)
  expect(readFileSync(join(root, 'day.csv'), 'utf8').split('\n')).toHaveLength(6)
  const args = ['export', '2026-11-23', '--format', 'loader', '--output', 'loader', '--json']
  const json = JSON.parse((await runCli([...args, '--region', 'eu'], at)).out)
  expect(json).toMatchObject({ events: 4, byState: { delivered: 2, rejected: 2 }, isDryRun: false })
  expect(readdirSync(join(root, 'loader'))).toHaveLength(4)
  expect(JSON.parse(readFileSync(json.files[0].config, 'utf8'))).toMatchObject({ dataCenter: 'EU' })
})

test.each(['ndjson', 'loader', 'csv'])(
  'export as %s shows how much is left on a terminal',
  async (format) => {
    await using service = await serviceWithDays()
    let atMs = now()
    const at = { env: { PX_USAGE_DIR: service.dir }, now: () => (atMs += 100), showsBars: true }
    const args = ['export', '2026-11-23', '--format', format, '--output', join(root, `bar-${format}`)]
    const { code, err } = await runCli(args, at)
    expect(code).toBe(0)
    expect(err).toMatch(/Counting \[-+\] {2}4 events/)
    expect(err).toMatch(/Exporting \[#+-*\] {2}2\/4 events {2}[\d.]+\/s {2}1 s left/)
    const silent = await runCli([...args.slice(0, -1), join(root, `silent-${format}`)], {
      ...at,
      showsBars: false,
    })
    expect([silent.code, silent.err]).toEqual([0, ''])
  },
)

test('export without a store or a place to write ends with 3', async () => {
  await using service = await serviceWithDays()
  expect((await runCli(['export', '2026-11-23', '--dir', root], { now })).code).toBe(3)
  const args = ['export', '2026-11-23', '--dir', service.dir, '--output', join(root, 'no', 'file')]
  const { code, err } = await runCli(args, { now })
  expect([code, err.split('\n').length]).toEqual([3, 2])
  expect(err).toMatch(/Cannot write .*ENOENT/)
})

test('the help of export is complete, within 80 columns', async () => {
  const { code, out } = await runCli(['export', '--help'], { isTerminal: true })
  expect([code, tooWide(out)]).toEqual([0, []])
  for (const word of ['ndjson', 'loader', 'csv', '--lines', '--output', '--region', 'Example'])
    expect(out).toContain(word)
})

test.each([
  [[], /missing required argument 'days'/i],
  [['2026-11-31'], /"2026-11-31" is not a day or a range/],
  [['2026-11-25'], /2026-11-25 has not begun yet/],
  [['2026-11-23', '--format', 'xml'], /--format xml: give ndjson, loader or csv/],
  [['2026-11-23', '--lines', 'new'], /--lines new: give all, sent or unsent/],
  [['2026-11-23', '--format', 'loader'], /Give a new folder with --output/],
  [['2026-11-23', '--json'], /--json prints a summary/],
  [['2026-11-23', '--format', 'loader', '--output', join(root, 'r'), '--region', 'asia'], /--region asia/],
])('wrong arguments of export give one line and exit code 2: %j', async (args, message) => {
  await using service = startService()
  service.call('ann')
  await service.meter.flush()
  const { code, out, err } = await runCli(['export', ...args], { now, env: { PX_USAGE_DIR: service.dir } })
  expect([code, out, err.split('\n').length]).toEqual([2, '', 2])
  expect(err).toMatch(message)
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, tooWide } from '../../support/run-cli.ts'

const cwd = mkdtempSync(join(tmpdir(), 'px-usage-backfill-'))
const env = { PX_PRODUCT_KEY: 'AP-X-2', PX_USAGE_DIR: join(cwd, 'store') }
const now = () => Date.parse('2026-11-20T10:00:00Z')
const run = (args: string[], input?: string) =>
  runCli(['backfill', ...args], { cwd, env, now, ...(input === undefined ? {} : { input }) })
const line = (user: string, day = '10') =>
  `10.0.0.1 - ${user} [${day}/Nov/2026:10:00:00 +0000] "GET /v1/users/7 HTTP/1.1" 200 10 "-" "curl"\n`

const log = `${line('ann')}${line('ann')}${line('bob', '11')}${line('-')}junk\n${line('ann').slice(0, 50)}`

beforeAll(() => {
  writeFileSync(join(cwd, 'routes.txt'), 'GET /v1/users/:id\n')
  writeFileSync(join(cwd, 'a.log'), log)
  writeFileSync(join(cwd, 'a.log.gz'), gzipSync(log))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

describe('backfill', () => {
  it('shows a preview in 80 columns, and queues nothing', async () => {
    const { code, out } = await run(['--routes', 'routes.txt', '--preview', 'a.log'])
    expect(code).toBe(0)
    expect(out).toMatch(/read +6\n/)
    expect(out).toMatch(/counted +3 /)
    expect(out).toMatch(/2026-11-10 +2 +2 +queue/)
    expect(out).toContain('the log ends in the middle of it')
    expect(tooWide(out)).toEqual([])
    expect((await run(['list'])).out).toBe('No backfills.\n')
  })

  it('queues once, lists it, and reverts it', async () => {
    const args = ['--routes', 'routes.txt', '--yes', '--json', '--name', 'logs of May', 'a.log']
    const first = await run(args)
    expect(JSON.parse(first.out)).toMatchObject({ isQueued: true, events: 4, lines: { counted: 3 } })
    const packed = await run(['--routes', 'routes.txt', '--yes', '--json', 'a.log.gz'])
    expect(JSON.parse(packed.out)).toMatchObject({ isQueued: false, events: 0 })
    const list = await run(['list'])
    expect(list.out).toContain('4 events: 4 pending')
    expect(tooWide(list.out)).toEqual([])
    expect((await run(['revert', 'logs of May'])).code).toBe(2)
    const reverted = await run(['revert', 'logs of May', '--yes'])
    expect(reverted).toMatchObject({ code: 0, out: 'Withdrawn: 4 events that PX does not have.\n' })
    expect((await run(['list', '--json'])).out).toContain('"withdrawn":4')
    const again = await run(['--routes', 'routes.txt', '--yes', '--json', '-'], log)
    expect(JSON.parse(again.out)).toMatchObject({ isQueued: true, events: 4 })
  }, 30_000)

  it('queues nothing without a terminal to ask at', async () => {
    writeFileSync(join(cwd, 'b.log'), line('cat', '12'))
    const { code, err } = await run(['--routes', 'routes.txt', 'b.log'])
    expect(code).toBe(2)
    expect(err).toContain('Give --yes')
  })

  it('refuses a day that has other calls, and adds them with --revision', async () => {
    writeFileSync(join(cwd, 'c.log'), line('cat'))
    const { code, err } = await run(['--routes', 'routes.txt', '--yes', 'c.log'])
    expect(code).toBe(1)
    expect(err).toContain('Nothing was queued: 1 day refused, the first is 2026-11-10')
    const revised = await run([
      '--routes',
      'routes.txt',
      '--yes',
      '--revision',
      '--json',
      '--name',
      'c',
      'c.log',
    ])
    expect(JSON.parse(revised.out)).toMatchObject({ isQueued: true, days: [{ revision: 1 }] })
  })

  it.each([
    [[], 'log'],
    [['a.log'], '--routes is missing'],
    [['revert'], 'Give one name'],
    [['revert', 'none'], 'There is no backfill "none"'],
    [['list', 'x'], 'has no arguments'],
    [['--routes', 'routes.txt', '--from', 'May', 'a.log'], '--from May is not a day'],
  ])('ends with exit code 2 for wrong arguments: %j', async (args, message) => {
    const { code, err } = await run(args)
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(err.trim().split('\n')).toHaveLength(1)
  })
})

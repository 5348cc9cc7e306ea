import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fileStore } from '@px-usage/core'
import { createPastDays } from '@px-usage/core/adapter'
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

/** Leaves what a service leaves that has counted once. */
async function serveIn(dir: string): Promise<void> {
  const store = fileStore({ dir })
  await store.open(createPastDays({ productKey: 'AP-X-2', onProblem() {} }).context)
  await store.close()
}

/** Every file of a folder with its content. */
function contentOf(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    names
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [
        join(parentPath, name),
        readFileSync(join(parentPath, name), 'latin1'),
      ]),
  )
}

beforeAll(async () => {
  await serveIn(env.PX_USAGE_DIR)
  writeFileSync(join(cwd, 'routes.txt'), 'GET /v1/users/:id\n')
  writeFileSync(join(cwd, 'a.log'), log)
  writeFileSync(join(cwd, 'a.log.gz'), gzipSync(log))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

describe('backfill', () => {
  it('shows a preview in 80 columns, and changes no file of the service', async () => {
    const before = contentOf(env.PX_USAGE_DIR)
    const { code, out } = await run(['--routes', 'routes.txt', '--preview', 'a.log'])
    expect(code).toBe(0)
    expect(out).toMatch(/read +6\n/)
    expect(out).toMatch(/counted +3 /)
    expect(out).toMatch(/2026-11-10 +2 +2 +queue/)
    expect(out).toContain('the log ends in the middle of it')
    expect(tooWide(out)).toEqual([])
    expect((await run(['list'])).out).toBe('No backfills.\n')
    expect(contentOf(env.PX_USAGE_DIR)).toEqual(before)
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
    [['--identify', 'user_name', 'a.log'], 'no call has a user. Check --identify.'],
    [['--format', 'alb', 'a.log'], 'no line could be parsed. Check --format.'],
    [['--from', '2026-11-12', 'a.log'], 'no call was counted, see the lines.'],
  ])('says why it counted no call, and ends with exit code 1: %j', async (args, message) => {
    const { code, out, err } = await run(['--routes', 'routes.txt', '--yes', ...args])
    expect([code, err]).toEqual([1, `Nothing was queued: ${message}\n`])
    expect(out).not.toContain('Nothing new')
  })

  it.each([
    [[], 'log'],
    [['list', '--namespace', '1'], '--namespace does not apply'],
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

describe('a backfill with settings that no service has', () => {
  const queue = ['--routes', 'routes.txt', '--yes', 'a.log']
  const missing = join(cwd, 'missing')

  it.each([
    [
      'in another folder',
      ['--dir', missing],
      /missing does not exist\. Give that of the service with --dir\./,
    ],
    [
      'in another zone',
      ['--time-zone', 'Europe/Berlin'],
      /has AP-X-2, api\.aptrinsic\.com, UTC\. .*: --time-zone\./,
    ],
    [
      'of another product',
      ['--product-key', 'AP-Y-2'],
      /No service has counted as AP-Y-2, .*: --product-key\./,
    ],
    ['of another region', ['--region', 'eu'], /api-eu\.aptrinsic\.com.*: --region or --base-url\./],
  ])('%s is refused before anything is made', async (_, flags, message) => {
    const before = contentOf(env.PX_USAGE_DIR)
    for (const args of [queue, [...queue, '--preview'], ['list'], ['revert', 'x', '--yes']]) {
      const { code, err } = await run([...args, ...flags])
      expect({ args, code }).toEqual({ args, code: 2 })
      expect(err).toMatch(message)
      expect(err.includes('--new-namespace')).toBe(args.includes('--routes'))
      expect(err.trim().split('\n')).toHaveLength(1)
    }
    expect(existsSync(missing)).toBe(false)
    expect(contentOf(env.PX_USAGE_DIR)).toEqual(before)
  })

  it('goes on with --new-namespace, and is then known', async () => {
    const dir = join(cwd, 'new')
    const preview = await run([...queue, '--dir', dir, '--new-namespace', '--preview'])
    expect(preview).toMatchObject({ code: 0, out: expect.stringContaining('this is a preview') })
    expect(existsSync(dir)).toBe(false)
    expect(await run([...queue, '--dir', dir, '--new-namespace'])).toMatchObject({ code: 0 })
    expect((await run(['list', '--dir', dir])).out).toContain('4 events: 4 pending')
    expect((await run([...queue, '--dir', dir])).out).toContain('Nothing new to queue')
  })

  it('needs no service if its events are for export only', async () => {
    const flags = ['--dir', join(cwd, 'hand-off'), '--for-export']
    expect(await run([...queue, ...flags])).toMatchObject({ code: 0 })
    expect((await run(['list', ...flags])).out).toContain('4 events: 4 pending')
  })

  it('for export only is not exported after a revert, although no process removes its events', async () => {
    const flags = ['--dir', join(cwd, 'taken-back'), '--for-export']
    const exported = async () => {
      const args = ['export', '2026-11-10..2026-11-11', '--dir', join(cwd, 'taken-back')]
      return (await runCli(args, { cwd, env, now })).out.split('\n').length - 1
    }
    await run([...queue, ...flags, '--name', 'first'])
    expect(await exported()).toBe(4)
    await run(['revert', 'first', '--yes', ...flags])
    expect(await exported()).toBe(0)
    await run([...queue, ...flags, '--name', 'second'])
    expect(await exported()).toBe(4)
  }, 30_000)
})

import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { createPastDays, type Scratch } from '@px-usage/core/adapter'
import { afterAll, describe, expect, it } from 'vitest'
import { type CountSettings, countLogs } from '../../../packages/cli/src/backfill/count-logs.ts'
import type { IdentifyLine } from '../../../packages/cli/src/backfill/log-identity.ts'
import { addsUp } from '../../../packages/cli/src/backfill/reconciliation.ts'
import { createScratchFile } from '../../../packages/cli/src/backfill/scratch-file.ts'
import { logFormat } from '../../../packages/cli/src/logs/log-formats.ts'
import { createRouteMatcher } from '../../../packages/cli/src/routes/route-matcher.ts'

const byUser: IdentifyLine = (line) => {
  const userId = line.field('remote_user')
  return userId === undefined ? null : { userId }
}

function line(given: { user?: string; day?: string; request?: string; status?: number } = {}): string {
  const { user = 'ann', day = '10/Nov/2026', request = 'GET /v1/users/7', status = 200 } = given
  return `10.0.0.1 - ${user} [${day}:10:00:00 +0000] "${request} HTTP/1.1" ${status} 10 "-" "curl"\n`
}

const scratch = createScratchFile(tmpdir())
afterAll(() => scratch.close())

async function count(log: string | Buffer | string[], given: Partial<CountSettings> = {}) {
  const past = createPastDays({ productKey: 'AP-X-2', timeZone: 'UTC', onProblem() {} })
  const found = await countLogs(['-'], Readable.from([log].flat().map((part) => Buffer.from(part))), {
    past,
    scratch,
    identify: byUser,
    routes: createRouteMatcher([{ method: 'GET', route: '/v1/users/:id' }]),
    ignored: createRouteMatcher([{ method: undefined, route: '/health' }]),
    ...{ from: undefined, to: undefined, oldest: '2024-01-01', today: '2026-11-20' },
    signal: new AbortController().signal,
    formatOf: (sample) => logFormat('auto', {}, sample),
    ...given,
  })
  return { past, found }
}

describe('the lines of a log', () => {
  const log = [
    line(),
    line({ request: 'GET /v1/users/8' }),
    line({ user: '-' }),
    line({ request: 'OPTIONS /v1/users/8' }),
    line({ request: 'GET /health' }),
    line({ request: 'GET /v2/new', status: 201 }),
    line({ request: 'GET /wp-login.php', status: 404 }),
    line({ day: '01/Nov/2026' }),
    line({ day: '01/Jan/2020' }),
    line({ day: '20/Nov/2026' }),
    'some words\n',
    '\n',
    line().trimEnd().replace('\n', '\r\n'),
  ].join('')

  it('are each in one class', async () => {
    const { found, past } = await count(log, { from: '2020-01-01', to: '2026-11-20' })
    expect(addsUp(found)).toBe(true)
    expect(found).toMatchObject({
      ...{ lines: 13, ignored: 2, outside: 0, tooOld: 1, notOver: 1, counted: 6, unmatched: 2 },
      junk: { layout: 2 },
      withoutIdentity: { anonymous: 1 },
    })
    expect(found.junkSamples[0]).toEqual({ reason: 'layout', line: 'some words' })
    expect([...found.unmatchedPaths]).toEqual([['/v2/new', 1]])
    expect(past.days()).toEqual(['2026-11-01', '2026-11-10'])
  })

  it('may be outside of the wanted days', async () => {
    const { found, past } = await count(log, { from: '2026-11-02', to: '2026-11-10' })
    expect(found.outside).toBe(3)
    expect(past.days()).toEqual(['2026-11-10'])
    expect(addsUp(found)).toBe(true)
  })

  it('may end in the middle of one', async () => {
    const { found } = await count(`${line()}${line().slice(0, 60)}`)
    expect(found).toMatchObject({ lines: 2, counted: 1, junk: { torn: 1, layout: 0 } })
    // A last line that lacks only its line feed is whole.
    expect((await count(`${line()}${line().trimEnd()}`)).found).toMatchObject({
      counted: 2,
      junk: { torn: 0 },
    })
  })

  it('have the same marks in any order, compressed or not', async () => {
    const lines = [line(), line({ status: 500 }), line({ user: 'bob' })]
    const { found } = await count(lines.join(''))
    const reversed = await count(gzipSync(lines.reverse().join('')))
    expect(reversed.found.marks).toEqual(found.marks)
    const other = await count(`${lines[0]}${lines[1]}${lines[1]}`)
    expect(other.found.marks).not.toEqual(found.marks)
  })

  it('wait for identities that come later, a few thousand at a time', async () => {
    let waiting = 0
    let most = 0
    const identify: IdentifyLine = async (one) => {
      const result = byUser(one)
      waiting += 1
      most = Math.max(most, waiting)
      await new Promise(setImmediate)
      waiting -= 1
      return result as never
    }
    const { found } = await count(line().repeat(5_000), { identify })
    expect(found.counted).toBe(5_000)
    expect(most).toBeLessThanOrEqual(2_000)
  })

  it('are not counted to the end after an interrupt', async () => {
    await expect(count(line(), { signal: AbortSignal.abort() })).rejects.toThrow(
      'Interrupted. Nothing was queued.',
    )
  })

  it('report their progress', async () => {
    const seen: number[] = []
    await count(line().repeat(10), { onProgress: (bytes, lines) => seen.push(bytes, lines) })
    expect(seen).toEqual([line().length * 10, 10])
  })
})

it('days that do not fit into memory wait in the scratch file, and become the same events', async () => {
  const days = ['09/Nov/2026', '10/Nov/2026', '11/Nov/2026']
  const ofHost = days.map((day) =>
    Array.from({ length: 60 }, (_, at) =>
      line({ day, user: `user-${at % 20}`, request: `GET /${at % 3}` }),
    ).join(''),
  )
  const log = [...ofHost, ...ofHost]
  const whole = await count(log)
  let parked = 0
  const counting: Scratch = {
    read: scratch.read,
    write(text) {
      parked += 1
      return scratch.write(text)
    },
  }
  const small = await count(log, { scratch: counting, seriesInMemory: 30 })
  expect(parked).toBeGreaterThanOrEqual(4)
  expect(small.found).toEqual(whole.found)
  const linesOf = async ({ past }: typeof whole) => {
    const bodies: string[] = []
    for (const day of past.days()) {
      for await (const { body } of past.lines(day, { revision: 0, backfill: 'x' })) bodies.push(body)
    }
    return bodies.sort()
  }
  expect(await linesOf(small)).toEqual(await linesOf(whole))
})

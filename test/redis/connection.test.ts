import { describe, expect, it } from 'vitest'
import { createConnection, replyTimeoutMs } from '../../packages/redis/src/connection.ts'
import { createScript } from '../../packages/redis/src/scripts/script.ts'

const script = createScript('one', 'return 1')

/** A connection whose commands have these results, one after the other, and the commands. */
function connectionWith(...results: (unknown | Error)[]) {
  const commands: string[][] = []
  let nowMs = 0
  const outages: number[] = []
  const connection = createConnection(
    (args) => {
      commands.push(args)
      const result = results.shift()
      if (result instanceof Error) throw result
      return Promise.resolve(result)
    },
    { elapsed: () => nowMs, onOutage: (ms) => void outages.push(ms) },
  )
  const later = (ms: number) => {
    nowMs += ms
  }
  return { connection, commands, later, outages }
}

describe('a connection', () => {
  it('runs a script by its digest, and by its text where Redis does not have it', async () => {
    const { connection, commands } = connectionWith(new Error('NOSCRIPT No matching script.'), 1)
    expect(await connection.run(script, ['key'], [7])).toBe(1)
    expect(commands).toEqual([
      ['EVALSHA', script.sha1, '1', 'key', '7'],
      ['EVAL', 'return 1', '1', 'key', '7'],
    ])
  })

  it('sends a command again whose reply is lost', async () => {
    const { connection, commands } = connectionWith(new Error('Socket closed'), 5)
    expect(await connection.read(['GET', 'a'], 'a')).toBe(5)
    expect(commands).toHaveLength(2)
  })

  it('measures for how long Redis was down', async () => {
    const down = new Error('connect ECONNREFUSED')
    const { connection, later, outages } = connectionWith(1, down, down, down, 1, 1)
    await connection.read(['GET', 'a'], 'a')
    later(60_000)
    await expect(connection.read(['GET', 'a'], 'a')).rejects.toThrow('ECONNREFUSED')
    later(10_000)
    await connection.read(['GET', 'a'], 'a')
    await connection.read(['GET', 'a'], 'a')
    expect(outages).toEqual([10_000])
  })

  it('rejects after the third failure, with the reason', async () => {
    const down = new Error('connect ECONNREFUSED 127.0.0.1:6379')
    const { connection, commands } = connectionWith(down, down, down)
    await expect(connection.read(['GET', 'a'], 'a')).rejects.toMatchObject({
      code: 'PXU_ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
      cause: down,
    })
    expect(commands).toHaveLength(3)
  })

  it.each([
    ['MOVED 3999 127.0.0.1:6381', 'cluster client'],
    ["NOPERM User px has no permissions to run the 'eval' command", 'README'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'more memory'],
  ])('says what to do about %s', async (text, cure) => {
    const error = new Error(text)
    const { connection } = connectionWith(error, error, error)
    await expect(connection.read(['GET', 'a'], 'a')).rejects.toThrow(cure)
  })

  it('does not wait for a Redis that hangs', { timeout: 20_000 }, async () => {
    const connection = createConnection(() => new Promise(() => {}), { elapsed: () => 0, onOutage() {} })
    connection.retryNoMore()
    const startedAt = performance.now()
    await expect(connection.read(['GET', 'a'], 'a')).rejects.toThrow(`${replyTimeoutMs} ms`)
    expect(performance.now() - startedAt).toBeLessThan(replyTimeoutMs + 2_000)
  })

  it('returns text for buffers, and numbers for large integers', async () => {
    const { connection } = connectionWith([Buffer.from('é'), 5n, [undefined]])
    expect(await connection.read(['X'], 'a')).toEqual(['é', 5, [null]])
  })
})

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore } from '@px-usage/core'
import { createPastDays } from '@px-usage/core/adapter'
import { redisStore } from '@px-usage/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openServicePlace } from '../../../packages/cli/src/place/service-place.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'
import { redisOfTests } from '../../support/redis-fleet.ts'
import { hasRedis } from '../../support/redis-server.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'px-usage-cli-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const contextOf = (productKey: string, timeZone = 'UTC') =>
  createPastDays({ productKey, timeZone, onProblem() {} }).context
const open = (flags: Record<string, string>, context = contextOf('AP-X-2'), mayBeNew = false) =>
  openServicePlace(parseSettings({ flags, env: {}, file: undefined, cwd: '/' }), context, { mayBeNew })

describe('the namespace of a service', () => {
  it('is read in a folder, among others', async () => {
    for (const context of [contextOf('AP-Y-2'), contextOf('AP-X-2', 'Europe/Berlin'), contextOf('AP-X-2')]) {
      const store = fileStore({ dir })
      await store.open(context)
      await store.close()
    }
    const { reader } = await open({ dir }, contextOf('AP-X-2', 'Etc/UTC'))
    expect(reader?.namespace).toMatchObject({ product: 'AP-X-2', timeZone: 'UTC' })
    await expect(open({ dir }, contextOf('AP-Z-2', 'Europe/Berlin'))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /AP-Y-2, .*; AP-X-2, .*\. Give the settings of the service: --product-key\./,
      ),
    })
    expect((await open({ dir }, contextOf('AP-Z-2'), true)).reader).toBeUndefined()
  })

  it.skipIf(process.getuid?.() === 0)(
    'is not taken for missing in a folder that cannot be read',
    async () => {
      chmodSync(dir, 0)
      await expect(open({ dir }, undefined, true)).rejects.toMatchObject({ exitCode: 3 })
      chmodSync(dir, 0o700)
    },
  )
})

describe.runIf(hasRedis())('in Redis', () => {
  const redis = redisOfTests()

  it('a backfill with another keyPrefix is refused, and makes no key', async () => {
    const { prefix: keyPrefix } = redis
    const store = redisStore({ sendCommand: redis.sendCommand, keyPrefix })
    await store.open(contextOf('AP-X-2'))
    await store.close()
    const url = `redis://127.0.0.1:${redis.server.port}`
    const { reader, close } = await open({ redis: url, keyPrefix })
    expect(reader?.namespace.product).toBe('AP-X-2')
    expect(await reader?.revisionOf('2026-11-01')).toBe(0)
    await close()
    await expect(open({ redis: url, keyPrefix: `${keyPrefix}-wrong` })).rejects.toThrow(
      /with the prefix .*-wrong has no counts of px-usage\. .*--key-prefix/,
    )
    expect(await redis.sendCommand(['KEYS', `*${keyPrefix}-wrong*`], keyPrefix)).toEqual([])
    await expect(open({ redis: url, keyPrefix }, contextOf('AP-X-2', 'Asia/Tokyo'))).rejects.toThrow(
      '--time-zone',
    )
  })
})

import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreReader } from '@px-usage/core/adapter'
import { readRedis, redisStore } from '@px-usage/redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { sentContract } from '../contracts/sent-contract.ts'
import { storeContract } from '../contracts/store-contract.ts'
import { type ConnectedClient, clientNames, connectClient } from '../support/redis-clients.ts'
import { hasRedis, type RedisServer, startRedis } from '../support/redis-server.ts'

const readme = readFileSync(join(import.meta.dirname, '../../packages/redis/README.md'), 'utf8')
/** What the README says that a user of Redis needs, for the prefix of the tests. */
const rules = (/~px-usage:\* (resetchannels .*)/.exec(readme)?.[1] ?? '').trim()
const user = { name: 'px', password: 'secret', rules: `~test:* ${rules}` }

describe.skipIf(!hasRedis())('on a redis-server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis({ user })
  })

  describe.each(clientNames)('through %s, with the permissions of the README', (name) => {
    let client: ConnectedClient
    let keyPrefix: string
    beforeAll(async () => {
      client = await connectClient(name, { port: server.port, user })
    })
    afterAll(() => client.close())
    beforeEach(() => {
      keyPrefix = `test:${randomUUID()}`
    })

    const sendCommand = (args: string[], key: string) => client.sendCommand(args, key)
    const reader = async () => (await readRedis({ sendCommand, keyPrefix }))[0] as StoreReader
    sentContract('redisStore', () => ({
      makeStore: (keepSentBytes) => redisStore({ sendCommand, keyPrefix, keepSentBytes }),
      reader,
    }))

    for (const shards of [1, 3]) {
      storeContract(`redisStore with ${shards} shards`, () => redisStore({ sendCommand, keyPrefix, shards }))
    }

    describe('with a dir', () => {
      let dir: string
      beforeEach(() => {
        dir = mkdtempSync(join(tmpdir(), 'px-usage-redis-dir-'))
      })
      afterEach(() => rmSync(dir, { recursive: true, force: true }))

      storeContract('redisStore with a dir', () => redisStore({ sendCommand, keyPrefix, shards: 3, dir }))
      sentContract('redisStore with a dir', () => ({
        makeStore: (keepSentBytes) => redisStore({ sendCommand, keyPrefix, dir, keepSentBytes }),
        reader,
      }))
    })
  })
})

import { randomUUID } from 'node:crypto'
import { redisStore } from '@px-usage/redis'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { type Clock, systemClock } from '../../packages/core/src/clock.ts'
import type { UsageError, UsageErrorCode } from '../../packages/core/src/errors.ts'
import type { Namespace, Store } from '../../packages/core/src/model/store.ts'
import { type Connection, createConnection } from '../../packages/redis/src/connection.ts'
import { createKeyNames, type KeyNames } from '../../packages/redis/src/key-names.ts'
import type { SendCommand } from '../../packages/redis/src/options.ts'
import { recordingDiagnostics } from './recording-diagnostics.ts'
import { type ConnectedClient, connectClient } from './redis-clients.ts'
import { type RedisServer, startRedis } from './redis-server.ts'

/** A server for the tests of a file, with a prefix of its own for each test. */
export interface RedisOfTests {
  readonly server: RedisServer
  readonly prefix: string
  readonly keys: KeyNames
  readonly connection: Connection
  readonly sendCommand: SendCommand
}

/** Starts a server before the tests of a file. */
export function redisOfTests(): RedisOfTests {
  let server: RedisServer
  let client: ConnectedClient
  let prefix = ''
  beforeAll(async () => {
    server = await startRedis()
    client = await connectClient('ioredis', { port: server.port })
  })
  afterAll(() => client.close())
  beforeEach(() => {
    prefix = `test:${randomUUID()}`
  })
  const sendCommand: SendCommand = (args, key) => client.sendCommand(args, key)
  return {
    get server() {
      return server
    },
    get prefix() {
      return prefix
    },
    get keys() {
      return createKeyNames(prefix, 'default')
    },
    connection: createConnection(sendCommand, { elapsed: systemClock.elapsed, onOutage() {} }),
    sendCommand,
  }
}

/** A store of one process of a fleet, and what it reported. */
export interface FleetStore {
  readonly store: Store
  readonly errors: UsageError[]
  readonly warnings: UsageErrorCode[]
}

export async function openFleetStore(
  { prefix, sendCommand }: Pick<RedisOfTests, 'prefix' | 'sendCommand'>,
  {
    clock = systemClock,
    timeZone = 'UTC',
    namespace,
    shards,
  }: {
    clock?: Clock
    timeZone?: string
    namespace?: Namespace
    shards?: number
  } = {},
): Promise<FleetStore> {
  const { diagnostics, errors, warnings } = recordingDiagnostics()
  const store = redisStore({ sendCommand, keyPrefix: prefix, shards })
  await store.open({ clock, diagnostics, timeZone, namespace })
  return { store, errors, warnings }
}

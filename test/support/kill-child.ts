import { subscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMeter, type FileStoreOptions, fileStore } from '@px-usage/core'
import { pxUsage } from '@px-usage/http'
import { redisStore, type SendCommand } from '@px-usage/redis'
import { Redis } from 'ioredis'

/*
 * A server whose calls are counted into the folder given, until it is killed. Its responses are all alike, so that the
 * client can count them without parsing.
 */
const [dir = '', durability = 'turn', end = '', redisPort = ''] = process.argv.slice(2)
const meter = createMeter({
  dryRun: true,
  onError() {},
  store:
    redisPort === ''
      ? fileStore({ dir, durability: durability as NonNullable<FileStoreOptions['durability']> })
      : redisStore({ dir, sendCommand: connectRedis(Number(redisPort)) }),
})

/** It serves whether Redis is up or not. */
function connectRedis(port: number): SendCommand {
  const client = new Redis({
    ...{ port, enableOfflineQueue: false, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
    retryStrategy: () => 50,
  })
  client.on('error', () => {})
  return ([command = '', ...args]) => client.call(command, ...args)
}

const usage = pxUsage({ meter, identify: (req) => ({ userId: req.url?.slice(1) ?? '' }) })
const server = createServer((req, res) => {
  usage(req, res)
  res.sendDate = false
  res.end('ok')
})
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`))
// A disk that is slow for a moment is not written to in every turn, and more is at stake.
subscribe('px-usage:store:degraded', () => void process.send?.('slow'))
process.on('message', () => {
  if (end === 'exit') process.exit(3)
  if (end === 'throw') throw new Error('a mistake of the app')
  if (end === 'memory') for (const hoard: unknown[] = []; ; ) hoard.push(new Array(100_000).fill(hoard))
})

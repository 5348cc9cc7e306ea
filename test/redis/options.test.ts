import { redisStore } from '@px-usage/redis'
import { describe, expect, it } from 'vitest'
import { parseRedisOptions, type RedisStoreOptions } from '../../packages/redis/src/options.ts'

const sendCommand = async () => null

describe('redisStore()', () => {
  it('has a default for all but the command function', () => {
    expect(parseRedisOptions({ sendCommand })).toEqual({
      ...{ sendCommand, keyPrefix: 'px-usage', shards: 1, dir: undefined, keepSentBytes: 67_108_864 },
    })
  })

  it.each([
    [{}, 'sendCommand', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand: {} }, 'sendCommand', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, keyPrefix: 'a{b}' }, 'keyPrefix', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, keyPrefix: '' }, 'keyPrefix', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, shards: 0 }, 'shards', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, shards: 65 }, 'shards', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, dir: '' }, 'dir', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, dir: 7 }, 'dir', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, keepSentBytes: -1 }, 'keepSentBytes', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, keepSentBytes: 0.5 }, 'keepSentBytes', 'PXU_ERR_OPTIONS_INVALID'],
    [{ sendCommand, sharts: 2 }, 'Did you mean shards?', 'PXU_ERR_OPTIONS_UNKNOWN'],
  ])('refuses %j', (options, text, code) => {
    const create = () => redisStore(options as unknown as RedisStoreOptions)
    expect(create).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }))
  })
})

import { createMeter, identifyBy, memoryStore, type UsageError } from '@px-usage/core'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { IdentifyFailure } from '../../packages/core/src/attribution/identify.ts'

/** As bson has it. */
class ObjectId {
  readonly hex = '65f0c0ffee65f0c0ffee65f0'
  toString(): string {
    return this.hex
  }
}

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
beforeEach(() => void emitWarning.mockClear())

function warnings(): string[] {
  return emitWarning.mock.calls.map(([message]) => String(message))
}

/** What becomes of calls with these answers of identify. */
async function countedOf(answers: unknown[]) {
  const errors: UsageError[] = []
  const meter = createMeter({ dryRun: true, store: memoryStore(), onError: (error) => errors.push(error) })
  for (const identity of answers) {
    meter.record({ identity: identity as never, method: 'GET', route: '/', statusCode: 200, aborted: false })
  }
  await vi.waitFor(() => expect(meter.stats().calls.pending).toBe(0))
  const events = await meter.preview()
  await meter.close()
  return {
    ids: events
      .filter(({ eventName }) => eventName === 'dailyApiCalls')
      .map(({ identifyId, accountId }) => `${identifyId}/${accountId ?? ''}`),
    unattributed: meter.stats().calls.unattributed,
    messages: errors.map(({ message }) => message),
  }
}

describe('an identity of a database', () => {
  it.each<[string, object, string]>([
    ['an empty account', { userId: 'ann', accountId: '' }, 'ann/'],
    ['no account', { userId: 'ann', accountId: null }, 'ann/'],
    ['bigints', { userId: 12345678901234567890n, accountId: -1n }, '12345678901234567890/-1'],
    ['zeros', { userId: 0, accountId: 0n }, '0/0'],
    ['more columns', { userId: 'ann', accountId: 'acme', name: 'Ann', id: 3 }, 'ann/acme'],
  ])('with %s counts', async (_what, identity, id) => {
    const { ids, messages } = await countedOf([identity])
    expect([ids, messages, warnings()]).toEqual([[id], [], []])
  })

  it.each<[string, unknown, string]>([
    ['an ObjectId', { userId: new ObjectId() }, 'a userId of type ObjectId'],
    [
      'an ObjectId for account',
      { userId: 'ann', accountId: new ObjectId() },
      'an accountId of type ObjectId',
    ],
    ['a Date', { userId: new Date('2026-11-23') }, 'a userId of type Date'],
    ['a String object', { userId: new String('ann-secret') }, 'a userId of type String'],
    ['bytes', { userId: Buffer.from('ann-secret') }, 'a userId of type Buffer'],
    ['a boolean', { userId: 'ann', accountId: true }, 'an accountId of type boolean'],
    ['NaN', { userId: Number.NaN }, 'a userId that is not a finite number'],
    [
      'Infinity',
      { userId: 1, accountId: Number.POSITIVE_INFINITY },
      'an accountId that is not a finite number',
    ],
    ['an empty user', { userId: '' }, 'an empty userId'],
    ['null', { userId: null }, 'a userId of type null'],
    ['an object without a class', { userId: Object.create(null) }, 'a userId of type object'],
    [
      'other keys',
      { userid: 'ann-secret', account: 1 },
      'an object without userId (its keys: userid, account)',
    ],
    ['no keys', {}, 'an object without userId (its keys: none)'],
    [
      'a token for a key',
      { ['t'.repeat(64)]: 1 },
      'an object without userId (its keys: a key of 64 characters)',
    ],
    ['a list', ['ann-secret'], 'an array'],
    ['a text', 'ann-secret', 'a value of type string'],
    [
      'a getter that throws',
      Object.defineProperty({}, 'userId', {
        enumerable: true,
        get() {
          throw new Error('ann-secret')
        },
      }),
      'an object that cannot be read',
    ],
  ])('with %s is refused by part and type, without its value', async (_what, answer, fault) => {
    const { ids, unattributed, messages } = await countedOf([answer])
    expect(ids).toEqual([])
    expect(unattributed.invalid).toBe(1)
    expect(messages).toEqual([expect.stringContaining(`identify() returned ${fault}.`)])
    expect(messages.join()).not.toContain('ann-secret')
  })

  it('that is refused for each of several reasons is reported for each, up to a bound', async () => {
    const one = await countedOf([{ userId: true }, { userId: new Date() }, { userId: true }, {}])
    expect(one.messages).toHaveLength(3)
    const many = await countedOf(Array.from({ length: 500 }, (_, i) => ({ [`key${i}`]: 1 })))
    expect(many.messages).toHaveLength(11)
  })

  it.each([0n, Number.NaN, 0, '', false, null, undefined])(
    'that is %s is an anonymous call',
    async (answer) => {
      const { unattributed, messages } = await countedOf([answer])
      expect([unattributed.anonymous, messages]).toEqual([1, []])
    },
  )

  it('names the keys of what a lookup returned as well, without the credential', async () => {
    const identify = identifyBy({
      credential: () => 'sk_live_4f9a8b7c',
      lookup: (key) => ({ [key]: 1, owner: 'ann' }) as never,
    })
    const { messages } = await countedOf([identify({} as never)])
    expect(messages).toEqual([expect.stringMatching(/without userId \(its keys: \(credential\), owner\)/)])
  })
})

describe('an identity without accountId', () => {
  it.each<[string, unknown[], string[]]>([
    ['but account', [{ userId: 'ann', account: 'acme' }], ['userId, account']],
    ['in other letters', [{ userId: 'ann', accountID: 'acme' }], ['userId, accountID']],
    ['a thousand times', Array(1_000).fill({ userId: 'ann', org: 'acme' }), ['userId, org']],
    ['and nothing else', [{ userId: 'ann' }], []],
    ['as it is undefined', [{ userId: 'ann', accountId: undefined, name: 'Ann' }], []],
  ])('%s is warned of at most once', async (_what, answers, keys) => {
    await countedOf(answers)
    expect(warnings()).toEqual(
      keys.map((names) => expect.stringContaining(`without accountId (its keys: ${names})`)),
    )
  })

  it('is warned of when a lookup returned it', async () => {
    const identify = identifyBy({
      credential: () => 'sk_live_4f9a8b7c',
      lookup: () => ({ userId: 'ann', account: 'acme' }),
    })
    await countedOf([identify({} as never), identify({} as never)])
    expect(warnings()).toEqual([expect.stringContaining('(its keys: userId, account)')])
  })
})

describe('an app of which all calls are anonymous', () => {
  it.each<[string, unknown[], number]>([
    ['99 calls', Array(99).fill(null), 0],
    ['1,000 calls', Array(1_000).fill(undefined), 1],
    ['1,000 calls after one with a user', [{ userId: 'ann' }, ...Array(1_000).fill(null)], 0],
    ['1,000 calls after one that failed', ['junk', ...Array(1_000).fill(null)], 0],
  ])('after %s', async (_what, answers, times) => {
    await countedOf(answers)
    expect(warnings().filter((message) => message.includes('were all anonymous'))).toHaveLength(times)
  })
})

it('a failure of another version of px-usage, with a reason that is unknown, counts as invalid', async () => {
  for (const reason of ['toString', '__proto__', 'constructor', 'moonPhase', undefined]) {
    const { unattributed, messages } = await countedOf([new IdentifyFailure(reason as never)])
    expect(Object.entries(unattributed).filter(([, times]) => times !== 0)).toEqual([['invalid', 1]])
    expect(messages).toHaveLength(1)
  }
})

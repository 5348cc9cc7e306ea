import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { sendBatch, sendTogether } from '../../../packages/core/src/delivery/send-batch.ts'
import { lanes } from '../../../packages/core/src/delivery/sender-health.ts'
import type { ClaimedLine } from '../../../packages/core/src/model/outbox-line.ts'
import type { DeliveryResult } from '../../../packages/core/src/px/delivery-result.ts'
import { line } from '../../support/count-batch.ts'
import { errno } from '../../support/failing-disk.ts'

const delivered: DeliveryResult = { outcome: 'delivered' }
const claimed = (count: number): ClaimedLine[] =>
  Array.from({ length: count }, (_, index) => ({
    ...line(`line ${index}`),
    ...{ state: 'pending', attempts: 0, attemptedAtMs: undefined },
  }))

/** Sends lines with settings of which a test changes some. @returns what became of them, and the ids that were sent */
async function send(count: number, changes: Partial<Parameters<typeof sendBatch>[1]> = {}) {
  const sent: string[] = []
  const result = await sendBatch(claimed(count), {
    acquire: async () => 'granted',
    now: () => 0,
    mayContinue: () => true,
    learn: () => false,
    ...changes,
    send: async (one) => {
      sent.push(one.id)
      return changes.send === undefined ? delivered : changes.send(one)
    },
  })
  return { ...result, sent }
}

describe('a batch', () => {
  it('sends each line once, in order, and has a result of each', async () => {
    const { results, sent, isBudgetSpent, failure } = await send(50)
    expect(sent).toEqual(claimed(50).map(({ id }) => id))
    expect([...results.values()]).toEqual(Array(50).fill(delivered))
    expect([isBudgetSpent, failure]).toEqual([false, undefined])
  })

  it(`has at most ${lanes} requests open`, async () => {
    let open = 0
    let most = 0
    await send(50, {
      async send() {
        open += 1
        most = Math.max(most, open)
        await setImmediate()
        open -= 1
        return delivered
      },
    })
    expect(most).toBe(lanes)
  })

  it('of no lines asks for no permit', async () => {
    const { results } = await send(0, { acquire: () => Promise.reject(new Error('asked')) })
    expect(results.size).toBe(0)
  })

  it('passes each result on before it sends the next line of its lane', async () => {
    const learned: string[] = []
    await send(3, {
      learn({ id }, { outcome }) {
        learned.push(`${id} ${outcome}`)
        return false
      },
    })
    expect(learned.sort()).toEqual(['line 0 delivered', 'line 1 delivered', 'line 2 delivered'])
  })
})

describe('a batch ends', () => {
  it('after a result that stops it, with the results of the open requests', async () => {
    const { results, sent } = await send(50, {
      send: async ({ id }) => {
        if (id !== 'line 0') await setImmediate()
        return delivered
      },
      learn: ({ id }) => id === 'line 0',
    })
    expect(sent).toHaveLength(lanes)
    expect([...results.keys()].sort()).toEqual(sent.sort())
  })

  it('when it may not continue, also while it waits for a permit', async () => {
    let mayContinue = true
    const { sent } = await send(50, {
      mayContinue: () => mayContinue,
      acquire: async () => {
        mayContinue = false
        return 'granted'
      },
    })
    expect(sent).toEqual([])
  })

  it('when the daily budget is spent, and says so', async () => {
    let left = 3
    const { sent, isBudgetSpent } = await send(50, {
      acquire: async () => (left-- > 0 ? 'granted' : 'budgetSpent'),
    })
    expect([sent.length, isBudgetSpent]).toEqual([3, true])
  })

  it('when the meter was closed, without a spent budget', async () => {
    const { sent, isBudgetSpent } = await send(50, { acquire: async () => 'closed' })
    expect([sent, isBudgetSpent]).toEqual([[], false])
  })

  it('when the budget cannot be stored, with the cause', async () => {
    const cause = errno('ENOSPC')
    const { sent, failure } = await send(50, { acquire: () => Promise.reject(cause) })
    expect([sent, failure]).toEqual([[], { cause }])
  })
})

it('a request that fails without a result may have reached PX, so its line is unconfirmed', async () => {
  const { results } = await send(2, { send: () => Promise.reject(new Error('it broke')) })
  expect([...results.values()].map(({ outcome }) => outcome)).toEqual(['unconfirmed', 'unconfirmed'])
})

describe('lines that are sent together', () => {
  /** @param isBad whether the receiver rejects a request with this line */
  async function sendAll(
    count: number,
    isBad: (id: string) => boolean,
    changes: { learn?: () => boolean } = {},
  ) {
    const requests: string[][] = []
    const { results } = await sendTogether(claimed(count), {
      now: () => 0,
      mayContinue: () => requests.length < 20,
      learn: () => false,
      async send(lines) {
        requests.push(lines.map(({ id }) => id))
        return lines.some(({ id }) => isBad(id)) ? { outcome: 'rejected', reason: 'no' } : delivered
      },
      ...changes,
    })
    return { results, requests }
  }

  it('take one request, and share its result', async () => {
    const { results, requests } = await sendAll(100, () => false)
    expect(requests).toHaveLength(1)
    expect([...results.values()]).toEqual(Array(100).fill(delivered))
  })

  it('are halved until the bad line is found', async () => {
    const { results, requests } = await sendAll(100, (id) => id === 'line 37')
    expect(requests.length).toBeLessThanOrEqual(15)
    const rejected = [...results].filter(([, { outcome }]) => outcome === 'rejected')
    expect(rejected.map(([id]) => id)).toEqual(['line 37'])
    expect(results.size).toBe(100)
  })

  it('have no result if they were not sent before the end', async () => {
    const { results } = await sendAll(100, () => true)
    expect(results.size).toBeLessThan(20)
    const { results: ended } = await sendAll(4, (id) => id === 'line 3', { learn: () => true })
    expect([...ended.keys()]).toEqual(['line 0', 'line 1'])
  })

  it('are unconfirmed if the receiver throws', async () => {
    const { results } = await sendTogether(claimed(2), {
      now: () => 0,
      mayContinue: () => true,
      learn: () => false,
      send: () => Promise.reject(new Error('broken')),
    })
    expect([...results.values()].map(({ outcome }) => outcome)).toEqual(['unconfirmed', 'unconfirmed'])
  })
})

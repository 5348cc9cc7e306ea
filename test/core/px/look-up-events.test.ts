import { expect, it } from 'vitest'
import { createLookUp } from '../../../packages/core/src/px/look-up-events.ts'

const date = Date.parse('2026-11-23T12:00:00Z')
const line = (userId: string) => ({
  id: `id-of-${userId}`,
  trace: { eventName: 'dailyApiCalls', userId, date },
})
const event = (eventId: unknown, identifyId: unknown, attributes: object) => ({
  eventId,
  identifyId,
  attributes,
})

function lookUp(customEvents: object[], totalHits = customEvents.length) {
  const body = JSON.stringify({ customEvents, totalHits })
  return createLookUp({
    client: {
      request: async () => ({ received: true, status: 200, retryAfter: undefined, body, isComplete: true }),
    },
    acquire: async () => 'granted',
    now: () => date,
  })
}

const many = ['ann', 'bob', 'cy', 'dan'].map(line)

it('finds a line by its rollupId, and takes the others for absent when the list is whole', async () => {
  const { found, absent, failure } = await lookUp([event(1, 'ann', { rollupId: 'id-of-ann' })])(many)
  expect([[...found.keys()], [...absent]]).toEqual([['id-of-ann'], ['id-of-bob', 'id-of-cy', 'id-of-dan']])
  expect(failure).toBeUndefined()
})

it.each([
  ['has no rollupId', {}],
  ['has a rollupId that is no text', { rollupId: 7 }],
])(
  'an event of the same user and day that %s keeps the line from being absent, and no other',
  async (_how, attributes) => {
    const { found, absent, failure } = await lookUp([event(1, 'ann', attributes)])(many)
    expect([found.size, [...absent]]).toEqual([0, ['id-of-bob', 'id-of-cy', 'id-of-dan']])
    expect(failure).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('rollupId cannot be read'),
    })
  },
)

it('an event without a user and a rollupId keeps every line from being absent', async () => {
  const { absent } = await lookUp([event(1, undefined, {})])(many)
  expect(absent.size).toBe(0)
})

it.each<[string, object[], number]>([
  ['says that there are none, and shows some', [event(1, 'ann', { rollupId: 'id-of-ann' })], 0],
  ['has events without an id', [event(undefined, 'ann', { rollupId: 'id-of-ann' })], 1],
  [
    'repeats an event in place of another',
    [event(undefined, 'ann', { rollupId: 'id-of-ann' }), event(undefined, 'ann', { rollupId: 'id-of-ann' })],
    2,
  ],
])('a list that %s proves no absence', async (_how, events, totalHits) => {
  const { found, absent, failure } = await lookUp(events, totalHits)(many)
  expect([[...found.keys()], absent.size, failure?.kind]).toEqual([['id-of-ann'], 0, 'failed'])
})

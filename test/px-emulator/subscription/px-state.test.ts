import { describe, expect, test } from 'vitest'
import {
  createPxState,
  restoreRecord,
  type StateRecord,
} from '../../../packages/px-emulator/src/subscription/px-state.ts'
import { defaultSwitches, type Switches } from '../../../packages/px-emulator/src/switches.ts'
import { eventOf } from '../../support/event-table.ts'

function setUp(switches: Partial<Switches> = {}) {
  const records: StateRecord[] = []
  const state = createPxState({
    ...{ productKey: 'AP-1', timeZone: 'UTC', eventNames: ['declared'] },
    switches: { ...defaultSwitches, ...switches },
    record: (change) => void records.push(JSON.parse(JSON.stringify(change)) as StateRecord),
  })
  return { state, records }
}

/** Changes of every kind. */
function fill(state: ReturnType<typeof setUp>['state']): void {
  state.store(eventOf({ apiCalls: 5 }, { eventId: 'a' }), 100)
  state.users.create({ identifyId: 'ann', propertyKeys: ['AP-1'], firstName: 'Ann' }, 200)
  state.users.create({ identifyId: 'gone', propertyKeys: ['AP-1'] }, 200)
  state.users.remove('gone', true, 300)
  state.accounts.create({ id: 'acme', name: 'Acme', propertyKeys: ['AP-1'] }, 200)
  state.deny('bad', true)
  state.deny('good', true)
  state.deny('good', false)
}

function contents(state: ReturnType<typeof setUp>['state']) {
  return {
    events: Array.from({ length: state.events.length }, (_, at) => [
      state.events.receivedMs(at),
      state.events.at(at),
    ]),
    users: state.users.all(),
    accounts: state.accounts.all(),
    denied: [...state.denied],
    ids: [...state.memory.ids],
    names: [...state.memory.names],
  }
}

describe('a subscription', () => {
  test('stores events, remembers them for later checks, and records each change', () => {
    const { state, records } = setUp({ eventId: 'deduplicate' })
    fill(state)
    expect(contents(state)).toMatchObject({
      ...{ denied: ['bad'], ids: ['a'], names: ['dailyApiCalls'] },
      events: [[100, { identifyId: 'ann', attributes: { apiCalls: 5 } }]],
      users: [{ identifyId: 'ann', firstName: 'Ann' }],
      accounts: [{ id: 'acme' }],
    })
    expect(records.map(([kind]) => kind)).toEqual([
      ...['event', 'user', 'user', 'user', 'account', 'denied', 'denied', 'denied'],
    ])
  })

  test('is the same when its records are restored, which records nothing', () => {
    const before = setUp({ eventId: 'deduplicate' })
    fill(before.state)
    const after = setUp({ eventId: 'deduplicate' })
    for (const record of before.records) restoreRecord(after.state, record)
    expect(contents(after.state)).toEqual(contents(before.state))
    expect(after.records).toEqual([])
  })

  test('has no events, members and denied users after a reset, but its declared names', () => {
    const { state } = setUp({ eventId: 'deduplicate' })
    fill(state)
    state.reset()
    expect(contents(state)).toEqual({ events: [], users: [], accounts: [], denied: [], ids: [], names: [] })
    expect(state.eventNames.has('declared')).toBe(true)
  })

  test('creates members by its own switches', () => {
    const { state } = setUp({ undeclaredAttribute: 'refuse' })
    const user = { identifyId: 'ann', propertyKeys: ['AP-1'], customAttributes: { plan: 'Pro' } }
    expect(() => state.users.create(user, 0)).toThrow(expect.objectContaining({ statusCode: 400 }))
    state.model.declare('user', [{ apiName: 'plan' }], 0)
    state.users.create(user, 0)
    expect(state.users.has('ann')).toBe(true)
  })
})

import { expect, it } from 'vitest'
import { createAttributeOrder, memberKey } from '../../../packages/core/src/attributes/attribute-order.ts'
import { memoryNotes } from '../../support/memory-notes.ts'

const ann = memberKey('user', 'ann')

it('a user and an account of one id are two members', () => {
  expect(memberKey('user', 'x')).not.toBe(memberKey('account', 'x'))
})

it('an older day is superseded once a newer one was put while a line waited', async () => {
  const order = createAttributeOrder(memoryNotes())
  await order.putting(ann, '2026-11-23')
  expect(await order.isSuperseded(ann, '2026-11-22')).toBe(false)
  await order.waits(ann, 'line-22')
  await order.putting(ann, '2026-11-23')
  expect(await order.isSuperseded(ann, '2026-11-22')).toBe(true)
  expect(await order.isSuperseded(ann, '2026-11-23')).toBe(false)
})

it('a new process knows what was overtaken before', async () => {
  const notes = memoryNotes()
  const before = createAttributeOrder(notes)
  await before.waits(ann, 'line-22')
  await before.putting(ann, '2026-11-23')
  expect(await createAttributeOrder(notes).isSuperseded(ann, '2026-11-22')).toBe(true)
})

it('a member is forgotten when none of its lines waits', async () => {
  const order = createAttributeOrder(memoryNotes())
  await order.waits(ann, 'line-21')
  await order.waits(ann, 'line-22')
  await order.putting(ann, '2026-11-23')
  order.ended(ann, 'line-21')
  expect(await order.isSuperseded(ann, '2026-11-22')).toBe(true)
  order.ended(ann, 'line-22')
  expect(await order.isSuperseded(ann, '2026-11-22')).toBe(false)
})

it('tasks of one member run one after the other, also behind one that fails', async () => {
  const order = createAttributeOrder(memoryNotes())
  const ran: string[] = []
  const task = (name: string) => async () => {
    ran.push(`${name} begins`)
    await new Promise(setImmediate)
    ran.push(`${name} ends`)
    if (name === 'a') throw new Error('This task always fails.')
  }
  await Promise.allSettled([order.inTurn(ann, task('a')), order.inTurn(ann, task('b'))])
  expect(ran).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
})

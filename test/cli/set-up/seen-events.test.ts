import { readFolder } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { readSeenEvents } from '../../../packages/cli/src/set-up/seen-events.ts'
import { startService } from '../../support/counting-service.ts'

const dayMs = 86_400_000

test('the events of open days are seen with the types of their properties', async () => {
  await using service = startService()
  service.call('ann')
  service.meter.counter('dailyExports', { property: 'rows' }).add({ userId: 'ann' }, 7, { isTrial: true })
  await service.meter.flush()
  const [reader] = readFolder(service.dir)
  const { events, attributes } = await readSeenEvents(reader!)
  expect([...events.keys()].sort()).toEqual(['dailyApiCalls', 'dailyEndpointCalls', 'dailyExports'])
  expect(Object.fromEntries(events.get('dailyExports')!)).toMatchObject({
    ...{ rows: 'number', isTrial: 'boolean', day: 'text', timestamp: 'number' },
  })
  expect(events.get('dailyEndpointCalls')?.get('endpoint')).toBe('text')
  expect([...attributes.user, ...attributes.account]).toEqual([])
})

test('the events that wait in the outbox are seen, and those that PX rejected', async () => {
  await using service = startService()
  service.reply = () => ({ outcome: 'rejected', reason: '400' })
  service.call('ann')
  service.meter.track('reportExported', { userId: 'ann' }, { format: 'pdf' })
  await service.clock.advance(dayMs)
  await service.meter.flush()
  const [reader] = readFolder(service.dir)
  const { events } = await readSeenEvents(reader!)
  expect([...events.keys()].sort()).toEqual(['dailyApiCalls', 'dailyEndpointCalls', 'reportExported'])
  expect(events.get('reportExported')?.get('format')).toBe('text')
})

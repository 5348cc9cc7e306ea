import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { EventFields, ExportedEvent } from '../../../packages/cli/src/export/exported-events.ts'
import { LoaderFiles } from '../../../packages/cli/src/export/loader-files.ts'

const root = mkdtempSync(join(tmpdir(), 'px-usage-loader-'))
afterAll(() => rmSync(root, { recursive: true }))

const event = (fields: EventFields): ExportedEvent => ({
  ...{ day: '2026-11-23', state: 'delivered', body: '' },
  fields: { propertyKey: 'AP-TEST-2', date: 1_795_435_200_000, ...fields },
})

test('events with different fields go to different files, because the loader sends empty cells', () => {
  const folder = join(root, 'new', 'folder')
  const files = new LoaderFiles(folder, 'EU')
  files.add(event({ eventName: 'calls/day', identifyId: '=ann', attributes: { apiCalls: 3, trial: true } }))
  files.add(
    event({ eventName: 'calls/day', identifyId: 'a"n,n', accountId: 'acme', attributes: { apiCalls: 4 } }),
  )
  files.add(event({ eventName: 'calls/day', attributes: { trial: false, apiCalls: 5 }, identifyId: 'bob' }))
  expect(files.finish()).toEqual([
    { csv: join(folder, 'calls_day.csv'), config: join(folder, 'calls_day.config.json'), events: 2 },
    { csv: join(folder, 'calls_day-2.csv'), config: join(folder, 'calls_day-2.config.json'), events: 1 },
  ])
  expect(readdirSync(folder)).toHaveLength(4)
  expect(readFileSync(join(folder, 'calls_day.csv'), 'utf8').split('\n')).toEqual([
    'identifyId,eventName,date,attributes.apiCalls,attributes.trial',
    '=ann,calls/day,1795435200000,3,true',
    'bob,calls/day,1795435200000,5,false',
    '',
  ])
  expect(readFileSync(join(folder, 'calls_day-2.csv'), 'utf8')).toContain('"a""n,n",calls/day,')
  expect(JSON.parse(readFileSync(join(folder, 'calls_day-2.config.json'), 'utf8'))).toEqual({
    ...{ apiKey: '', productKey: 'AP-TEST-2', dataCenter: 'EU', timezone: 'UTC' },
    fieldMapping: {
      CUSTOM_EVENT: {
        ...{ identifyId: 'identifyId', eventName: 'eventName', date: 'date', accountId: 'accountId' },
        'attributes.apiCalls': 'attributes.apiCalls',
      },
    },
  })
})

test('a folder that is not empty is refused, and nothing is left of what is discarded', () => {
  const folder = join(root, 'full')
  const files = new LoaderFiles(folder, 'US')
  files.add(event({ eventName: 'a', identifyId: 'ann' }))
  files.discard()
  expect(readdirSync(folder)).toEqual([])
  writeFileSync(join(folder, 'old.csv'), '')
  expect(() => new LoaderFiles(folder, 'US')).toThrow(expect.objectContaining({ exitCode: 2 }))
  expect(() => new LoaderFiles(join(folder, 'old.csv'), 'US')).toThrow(
    expect.objectContaining({ exitCode: 3 }),
  )
})

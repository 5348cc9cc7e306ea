import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMeter, type UsageError } from '@px-usage/core'
import { fakeClock, inMemoryDelivery } from '@px-usage/core/testing'
import { expect, test } from 'vitest'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { diskWith, errno } from '../support/failing-disk.ts'

test('calls of a removed folder that cannot be created again are reported as lost, not as kept', async () => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-'))
  let isFull = false
  const disk = diskWith((call) => {
    if (isFull && call === 'mkdirSync') throw errno('ENOSPC')
  })
  const errors: UsageError[] = []
  const clock = fakeClock('2026-03-08T10:00:00Z')
  const meter = createMeter({
    ...{ clock, delivery: inMemoryDelivery().delivery, store: fileStoreOn(disk, { dir }) },
    ...{ productKey: 'AP-TEST-2', onError: (error: UsageError) => void errors.push(error) },
  })
  await clock.advance(1_000)
  meter.record({ identity: { userId: 'ada' }, method: 'GET', route: '/', statusCode: 200, aborted: false })
  await meter.flush()
  isFull = true
  fs.rmSync(dir, { recursive: true })
  const { kept, lost } = await meter.close()
  expect([kept.calls, lost.calls]).toEqual([0, 1])
  expect(errors.map(({ message }) => message).join('\n')).toContain('may be lost')
})

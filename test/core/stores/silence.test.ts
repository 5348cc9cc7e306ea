import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock } from '@px-usage/core/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { createSilence } from '../../../packages/core/src/stores/silence.ts'

let dir: string
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-silence-'))
})
afterEach(() => fs.rmSync(dir, { recursive: true }))

it('a file is silent since this process saw it change last, whatever its date is', async () => {
  const path = join(dir, 'owner')
  fs.writeFileSync(path, '')
  fs.utimesSync(path, new Date('2030-01-01'), new Date('2030-01-01'))
  const clock = fakeClock('2026-11-23T10:00:00Z')
  const silence = createSilence(clock)
  expect(silence.of(realDisk, path)).toBe(0)
  await clock.advance(5_000)
  clock.step(3_600_000)
  expect(silence.of(realDisk, path)).toBe(5_000)
  fs.utimesSync(path, new Date('2030-01-02'), new Date('2030-01-02'))
  expect(silence.of(realDisk, path)).toBe(0)
  fs.rmSync(path)
  expect(silence.of(realDisk, path)).toBe(0)
  await clock.advance(7_000)
  expect(silence.of(realDisk, path)).toBe(7_000)
})

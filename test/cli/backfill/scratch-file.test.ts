import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createScratchFile } from '../../../packages/cli/src/backfill/scratch-file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'px-usage-scratch-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('a scratch file returns each text from its place, whatever was written later', () => {
  const scratch = createScratchFile(folder)
  const places = ['first', 'zw\u00f6lf', ''].map((text) => scratch.write(text))
  expect(places.map((place) => scratch.read(place))).toEqual(['first', 'zw\u00f6lf', ''])
  scratch.close()
})

it('a scratch file has no name in its folder, so that a killed process leaves no users behind', () => {
  const scratch = createScratchFile(folder)
  expect(readdirSync(folder)).toEqual([])
  const place = scratch.write('ann')
  expect(readdirSync(folder)).toEqual([])
  expect(scratch.read(place)).toBe('ann')
  scratch.close()
  expect(readdirSync(folder)).toEqual([])
})

it('a scratch file that cannot be written names the folder and a way out', () => {
  const scratch = createScratchFile(join(folder, 'missing'))
  expect(() => scratch.write('x')).toThrow(/Cannot use a temporary file in .*missing: ENOENT.*Set TMPDIR/)
  scratch.close()
})

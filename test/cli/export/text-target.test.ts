import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fileTarget, streamTarget } from '../../../packages/cli/src/export/text-target.ts'

const dir = mkdtempSync(join(tmpdir(), 'px-usage-target-'))
afterAll(() => rmSync(dir, { recursive: true }))

test('a file has its name only when it is complete', () => {
  const path = join(dir, 'events')
  writeFileSync(path, 'of yesterday')
  const target = fileTarget(path)
  for (let at = 0; at < 20_000; at++) target.write(`line é ${at}\n`)
  expect(readFileSync(path, 'utf8')).toBe('of yesterday')
  target.finish()
  target.discard()
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(20_001)
  expect(readdirSync(dir)).toEqual(['events'])
})

test('nothing is left of a file that is discarded', () => {
  const target = fileTarget(join(dir, 'other'))
  target.write('some')
  target.discard()
  expect(readdirSync(dir)).not.toContain('other')
})

test('a folder that does not exist is one line of an error, with exit code 3', () => {
  const path = join(dir, 'missing', 'events')
  expect(() => fileTarget(path)).toThrow(
    expect.objectContaining({
      exitCode: 3,
      message: expect.stringContaining(`Cannot write ${path}: ENOENT`),
    }),
  )
})

test('small texts are written to a stream together', () => {
  const texts: string[] = []
  const target = streamTarget({ write: (text) => texts.push(text) })
  for (let at = 0; at < 20_000; at++) target.write('0123456789')
  target.finish()
  target.finish()
  expect(texts.join('')).toHaveLength(200_000)
  expect(texts).toHaveLength(4)
})

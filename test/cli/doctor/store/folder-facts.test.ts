import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readFolderFacts } from '../../../../packages/cli/src/doctor/store/folder-facts.ts'

const root = mkdtempSync(join(tmpdir(), 'px-usage-doctor-'))
afterAll(() => rmSync(root, { recursive: true }))
const read = (dir: string) => readFolderFacts(dir, { env: {} })

test('a folder is tried by a file that is gone afterwards', () => {
  const dir = join(root, 'kept')
  mkdirSync(dir, { mode: 0o700 })
  const facts = read(dir)
  expect(facts).toMatchObject({ writeError: undefined, owner: { uid: process.geteuid?.() } })
  expect(facts.freeBytes).toBeGreaterThan(0)
  expect(readdirSync(dir)).toEqual([])
})

test('a folder that is missing is not created, and the one above it is tried', () => {
  expect(read(join(root, 'a/b'))).toMatchObject({ writeError: undefined, owner: undefined })
  expect(readdirSync(root)).toEqual(['kept'])
})

test('a file in place of the folder, and a folder that takes no files, have their errors', () => {
  writeFileSync(join(root, 'file'), '')
  expect(read(join(root, 'file')).writeError).toBe('ENOTDIR')
  expect(read('/proc/self').writeError).toBeDefined()
})

test.runIf(process.platform === 'linux')('the file system is read from the mounts', () => {
  expect(read('/proc/self').fileSystem).toBe('proc')
})

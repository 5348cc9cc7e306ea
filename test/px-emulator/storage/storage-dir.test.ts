import { execFileSync } from 'node:child_process'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Emulator, startEmulator } from 'px-emulator'
import { afterEach, beforeEach, expect, test } from 'vitest'

let dir: string
let emulator: Emulator

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-emulator-'))
  emulator = await startEmulator({ port: 0, dir, switches: { undeclaredAttribute: 'store' } })
})
afterEach(async () => {
  await emulator.close()
  await rm(dir, { recursive: true })
})

async function restart(): Promise<void> {
  await emulator.close()
  emulator = await startEmulator({ port: 0, dir })
}

async function ask(method: string, path: string, body?: unknown) {
  const response = await fetch(`${emulator.url}/v1/${path}`, {
    method,
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

const post = (apiCalls: number, identifyId = 'ann') =>
  ask('POST', 'events/custom', {
    eventName: 'dailyApiCalls',
    identifyId,
    propertyKey: emulator.productKey,
    userType: 'USER',
    date: Date.UTC(2026, 10, 22, 12),
    attributes: { apiCalls, city: 'Zürich', nested: { a: 1 } },
  })

test('events, users, accounts, removals and the denylist are there again after a restart', async () => {
  await post(1)
  await post(2)
  for (const id of ['ann', 'bob']) await ask('POST', 'users', { identifyId: id, propertyKeys: ['AP-1'] })
  await ask('PUT', 'users/ann', { customAttributes: { calls: 2 } })
  await ask('POST', 'accounts', { id: 'acme', name: 'Acme', propertyKeys: ['AP-1'] })
  await ask('DELETE', 'users/bob')
  await ask('PUT', 'users/denylist/cyd', true)
  const events = emulator.events()
  const ann = (await ask('GET', 'users/ann')).body
  await restart()
  expect(emulator.events()).toEqual(events)
  expect((await ask('GET', 'users/ann')).body).toEqual(ann)
  expect((await ask('GET', 'users/bob')).status).toBe(404)
  expect((await ask('GET', 'accounts/acme')).status).toBe(200)
  await post(3, 'cyd')
  expect(emulator.events()).toEqual(events)
  await post(3)
  await restart()
  expect(emulator.events()).toHaveLength(3)
})

test('after a reset nothing comes back', async () => {
  await post(1)
  emulator.reset()
  await post(2)
  await restart()
  expect(emulator.events().map(({ attributes }) => attributes.apiCalls)).toEqual([2])
})

test('a line that a crash cut off is dropped, and what comes after it is kept', async () => {
  await post(1)
  await appendFile(join(dir, 'px-emulator.jsonl'), '["event",1,{"eventName":"dail')
  await restart()
  expect(emulator.events()).toHaveLength(1)
  await post(2)
  await restart()
  expect(emulator.events()).toHaveLength(2)
  expect(await readFile(join(dir, 'px-emulator.jsonl'), 'utf8')).not.toContain('"dail{')
})

test('a file of something else is left alone and named', async () => {
  const file = join(dir, 'px-emulator.jsonl')
  await writeFile(file, '{"precious":true}\n')
  await expect(startEmulator({ port: 0, dir })).rejects.toThrow('precious')
  expect(await readFile(file, 'utf8')).toBe('{"precious":true}\n')
})

test('a folder that refuses new ones is an error at once', async () => {
  await expect(startEmulator({ port: 0, dir: '/proc/nope' })).rejects.toThrow(
    'dir /proc/nope cannot be created',
  )
  await expect(startEmulator({ port: 0, dir: '/proc/nope/deeper/still' })).rejects.toThrow(
    'cannot be created',
  )
})

test('a file in place of the folder, or of one above it, is named', async () => {
  const file = join(dir, 'package.json')
  await writeFile(file, '{}')
  await expect(startEmulator({ port: 0, dir: file })).rejects.toThrow(`dir ${file} is a file. Use a folder.`)
  await expect(startEmulator({ port: 0, dir: join(file, 'x') })).rejects.toThrow(
    'cannot be created (ENOTDIR)',
  )
})

test('a folder several levels deep is created', async () => {
  const deep = await startEmulator({ port: 0, dir: join(dir, 'a', 'b', 'c') })
  await deep.close()
  expect(await readFile(join(dir, 'a', 'b', 'c', 'px-emulator.jsonl'), 'utf8')).toBe('')
})

test('a pipe in place of the file is an error, and not waited for', async () => {
  const other = await mkdtemp(join(dir, 'pipe-'))
  execFileSync('mkfifo', [join(other, 'px-emulator.jsonl')])
  await expect(startEmulator({ port: 0, dir: other })).rejects.toThrow('is not a regular file')
})

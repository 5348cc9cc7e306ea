import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { sentFiles } from '../../../packages/cli/src/audit/sent-files.ts'

const dir = mkdtempSync(join(tmpdir(), 'px-usage-sent-'))
afterAll(() => rmSync(dir, { recursive: true }))

const body = (id: string, day: string) => ({ eventName: 'a', attributes: { rollupId: id, day } })
function write(name: string, lines: readonly unknown[]): string {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  const path = join(dir, name)
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text)
  return path
}
async function linesOf(paths: string[], days = ['2026-11-22', '2026-11-23']) {
  const lines: string[] = []
  for await (const { id, state, day } of sentFiles(paths, () => '').lines(new Set(days))) {
    lines.push(`${id} ${state} ${day}`)
  }
  return lines
}

test('bodies and lines with a state are read from plain and compressed files, repeatedly', async () => {
  const paths = [
    write('a.ndjson', [body('1', '2026-11-22'), '', { kind: 'user', body: '{}' }]),
    write('b.ndjson.gz', [
      { id: '2', state: 'pending', body: body('2', '2026-11-23') },
      { id: '3', state: 'rejected', body: JSON.stringify(body('3', '2026-11-24')) },
    ]),
  ]
  expect(await linesOf(paths)).toEqual(['1 delivered 2026-11-22', '2 pending 2026-11-23'])
  expect(await linesOf(paths, ['2026-11-24'])).toEqual(['3 rejected 2026-11-24'])
  expect([...(await sentFiles(paths, () => '').countByDay())]).toEqual([
    ['2026-11-22', 1],
    ['2026-11-23', 1],
    ['2026-11-24', 1],
  ])
})

test.each([
  ['no JSON', '{'],
  ['a list', '[]'],
  ['an event without an id', JSON.stringify({ eventName: 'a' })],
  ['a state that does not exist', JSON.stringify({ ...body('1', '2026-11-22'), state: 'lost' })],
])('%s is refused with its place', async (_, text) => {
  const path = write('wrong.ndjson', [body('1', '2026-11-22'), text])
  await expect(linesOf([path])).rejects.toThrow(`${path}:2: this is not a line that was sent.`)
})

test('a file that is missing, or is no gzip, is named', async () => {
  await expect(linesOf([join(dir, 'none')])).rejects.toMatchObject({ exitCode: 3 })
  await expect(linesOf([join(dir, 'none.gz')])).rejects.toThrow('none.gz')
  writeFileSync(join(dir, 'plain.gz'), 'no gzip')
  await expect(linesOf([join(dir, 'plain.gz')])).rejects.toThrow('plain.gz')
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readLog } from '../../../packages/cli/src/logs/read-log.ts'

const dir = mkdtempSync(join(tmpdir(), 'px-usage-read-log-'))
afterAll(() => rmSync(dir, { recursive: true }))

async function read(chunks: Buffer[] | string) {
  let bytes = 0
  let text = ''
  let tooLong = 0
  const path = typeof chunks === 'string' ? chunks : '-'
  const stdin = Readable.from(typeof chunks === 'string' ? [] : chunks)
  const pieces: string[] = []
  for await (const piece of readLog({ path, onBytes: (more) => (bytes += more) }, stdin)) {
    pieces.push(piece.text)
    text += piece.text
    tooLong += piece.tooLong
  }
  return { text, tooLong, bytes, pieces }
}

describe('a log', () => {
  const lines = Array.from(
    { length: 50_000 },
    (_, at) => `line ${at} of the log, long enough to need pieces\n`,
  )
  const content = Buffer.from(lines.join(''))

  it('comes in pieces of whole lines, from a file as well as from standard input', async () => {
    const path = join(dir, 'plain.log')
    writeFileSync(path, content)
    const found = await read(path)
    expect(found.text).toBe(content.toString())
    expect(found.bytes).toBe(content.length)
    expect(found.pieces.length).toBeGreaterThan(1)
    expect(found.pieces.every((piece) => piece.endsWith('\n'))).toBe(true)
    expect(await read([content.subarray(0, 7), content.subarray(7, 8), content.subarray(8)])).toMatchObject({
      text: content.toString(),
    })
  })

  it('is unpacked if it is compressed, also in several members', async () => {
    const packed = Buffer.concat([gzipSync(content.subarray(0, 999)), gzipSync(content.subarray(999))])
    const path = join(dir, 'log.gz')
    writeFileSync(path, packed)
    const found = await read(path)
    expect(found.text).toBe(content.toString())
    expect(found.bytes).toBe(packed.length)
    expect((await read([packed.subarray(0, 1), packed.subarray(1)])).text).toBe(content.toString())
  })

  it('may be torn: the last piece has no line feed', async () => {
    const { pieces } = await read([Buffer.from('a\nb\nto'), Buffer.from('rn')])
    expect(pieces).toEqual(['a\nb\n', 'torn'])
  })

  it('may be empty', async () => {
    expect(await read([])).toMatchObject({ text: '', bytes: 0 })
    expect(await read([Buffer.from('x')])).toMatchObject({ text: 'x' })
  })

  it('with a line of any length takes no memory for it', async () => {
    const long = Array.from({ length: 5 }, () => Buffer.alloc(1_000_000, 'x'))
    const found = await read([Buffer.from('a\n'), ...long, Buffer.from('x\nb\n')])
    expect(found).toMatchObject({ text: 'a\nb\n', tooLong: 1 })
    expect(await read([...long])).toMatchObject({ text: '', tooLong: 1 })
  })

  it('that is missing or damaged is reported by name', async () => {
    await expect(read(join(dir, 'none.log'))).rejects.toThrow(/Cannot read .*none\.log: ENOENT/)
    const path = join(dir, 'torn.gz')
    writeFileSync(path, gzipSync(content).subarray(0, 500))
    await expect(read(path)).rejects.toThrow(/torn\.gz cannot be unpacked/)
  })
})

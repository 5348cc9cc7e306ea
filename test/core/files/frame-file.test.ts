import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { type FrameRange, FrameReader, readFrames } from '../../../packages/core/src/files/frame-file.ts'
import { encodeFrame, frameSeed, frameTypes } from '../../../packages/core/src/files/frames.ts'

const seed = frameSeed('a journal')
const header = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify({ journalId: 'a journal' })), 0)
const frame = (text: string) => encodeFrame(frameTypes.counts, Buffer.from(text), seed)
const [one, two, three] = ['one', 'two', 'three'].map(frame) as [Buffer, Buffer, Buffer]

let dir: string
let file: number | undefined
beforeEach(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'px-usage-frames-'))
})
afterEach(() => {
  if (file !== undefined) fs.closeSync(file)
  file = undefined
  fs.rmSync(dir, { recursive: true, force: true })
})

function fileOf(...parts: readonly Uint8Array[]): number {
  fs.writeFileSync(join(dir, 'frames'), Buffer.concat(parts))
  file = fs.openSync(join(dir, 'frames'), 'r+')
  return file
}

/** Reads the texts of all frames of counts, and how the file ends. */
async function read(from: number, range: FrameRange = {}) {
  const texts: string[] = []
  const visit = ({ type, payload }: { type: number; payload: Buffer }) => {
    if (type === frameTypes.counts) texts.push(payload.toString())
    return undefined
  }
  const end = await readFrames(realDisk, from, visit, range)
  return { texts, ...end }
}

const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

describe('readFrames()', () => {
  it('reads the frames of a file in order, with the checksum seed that its header names', async () => {
    const intact = fileOf(header, one, two, three)
    const length = header.length + one.length + two.length + three.length
    expect(await read(intact)).toEqual({ texts: ['one', 'two', 'three'], at: length, how: 'clean' })
  })

  it('reads an empty file as clean', async () => {
    expect(await read(fileOf())).toEqual({ texts: [], at: 0, how: 'clean' })
  })

  it('takes the id of a file of lines as its seed as well', async () => {
    const ofLines = encodeFrame(frameTypes.header, Buffer.from(JSON.stringify({ id: 'a journal' })), 0)
    expect((await read(fileOf(ofLines, one))).texts).toEqual(['one'])
  })

  it.each<[string, (string | Buffer)[], 'torn' | 'damaged']>([
    ['half a frame', [three.subarray(0, 6)], 'torn'],
    ['a frame whose last byte is missing', [three.subarray(0, -1)], 'torn'],
    ['zeros that a crash left', [Buffer.alloc(100)], 'torn'],
    ['a flipped bit in its last frame', [flipped(three, 12)], 'damaged'],
    ['a flipped bit in a frame before others', [flipped(two, 12), three], 'damaged'],
    ['a length that is too large, before an intact frame', [flipped(two, 7), three], 'damaged'],
    ['a frame of another file', [encodeFrame(frameTypes.counts, Buffer.from('x'), 1)], 'damaged'],
    ['one byte that begins no frame', [Buffer.from('x')], 'torn'],
  ])('finds where the intact frames end before %s', async (_what, tail, how) => {
    const parts = tail.map((part) => Buffer.from(part as string))
    const result = await read(fileOf(header, one, ...parts))
    expect(result).toEqual({ texts: ['one'], at: header.length + one.length, how })
  })

  it('reads frames that are larger than one read, and frames that cross its end', async () => {
    const texts = Array.from({ length: 40 }, (_, at) => String(at).repeat(at % 3 === 0 ? 300_000 : 5_000))
    expect((await read(fileOf(header, ...texts.map(frame)))).texts).toEqual(texts)
  })

  it('reads a range with a given seed', async () => {
    const whole = fileOf(header, one, two, three)
    const from = header.length + one.length
    expect((await read(whole, { from, seed })).texts).toEqual(['two', 'three'])
    expect(await read(whole, { from, to: from + two.length, seed })).toEqual({
      ...{ texts: ['two'], at: from + two.length, how: 'clean' },
    })
  })

  it('stops where the visitor returns false, before that frame', async () => {
    const seen: string[] = []
    const end = await readFrames(realDisk, fileOf(header, one, two, three), ({ payload }, at) => {
      if (payload.toString() === 'two') return false
      seen.push(`${at}`)
      return true
    })
    expect(seen).toEqual(['0', `${header.length}`])
    expect(end).toEqual({ at: header.length + one.length, how: 'clean' })
  })

  it('gives the event loop a turn among many small frames', async () => {
    const many = fileOf(header, ...Array.from({ length: 5_000 }, () => one))
    let turns = 0
    let isDone = false
    const count = () => {
      turns += 1
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    const visited = new Set<number>()
    await readFrames(realDisk, many, () => void visited.add(turns))
    isDone = true
    expect(visited.size).toBeGreaterThanOrEqual(5)
  })
})

describe('FrameReader', () => {
  it('reports the offset of the next frame, and the intact part before everything is read', async () => {
    const reader = new FrameReader(realDisk, fileOf(header, one, two.subarray(0, 5)))
    expect([await reader.readOn(), reader.at]).toEqual([true, 0])
    reader.take()
    expect(reader.at).toBe(header.length)
    expect(reader.take()?.payload.toString()).toBe('one')
    expect(reader.end).toEqual({ at: header.length + one.length, how: 'clean' })
    expect(reader.take()).toBeUndefined()
    expect(await reader.readOn()).toBe(false)
    expect(reader.end).toEqual({ at: header.length + one.length, how: 'torn' })
  })

  it('ends cleanly where the writer has cut an incomplete write off meanwhile', async () => {
    const large = frame('x'.repeat(300_000))
    const cut = fileOf(header, one, large)
    const reader = new FrameReader(realDisk, cut)
    await reader.readOn()
    reader.take()
    reader.take()
    expect(reader.take()).toBeUndefined()
    fs.ftruncateSync(cut, header.length + one.length)
    while (await reader.readOn()) expect(reader.take()).toBeUndefined()
    expect(reader.end).toEqual({ at: header.length + one.length, how: 'clean' })
  })
})

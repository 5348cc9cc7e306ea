import fs from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Disk, realDisk } from '../../../packages/core/src/files/disk.ts'
import { readFrames } from '../../../packages/core/src/files/frame-file.ts'
import { decodeFrame, type Frame, frameTypes } from '../../../packages/core/src/files/frames.ts'
import { withFile } from '../../../packages/core/src/files/held-file.ts'
import type { OutboxLine } from '../../../packages/core/src/model/outbox-line.ts'
import {
  decodeLine,
  encodeHeader,
  encodeLine,
  newHeader,
  readLineFile,
  writeLineFile,
} from '../../../packages/core/src/outbox/line-file.ts'
import { day, line } from '../../support/count-batch.ts'
import { diskWith, errno } from '../../support/failing-disk.ts'
import { each, outboxOf } from '../../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)
const header = newHeader({ day, revision: 0, contained: { a: 3 } })
const path = () => folder.path('x.lines')
const mixed = [line('d1', day, 'detail'), line('t1'), line('d2', day, 'detail'), { ...line('t2'), calls: 5 }]

const write = (lines: readonly OutboxLine[], disk: Disk = realDisk, mayCommit = () => true) =>
  writeLineFile(disk, path(), header, each(lines), mayCommit)
const read = () => withFile(realDisk, path(), (file) => readLineFile(realDisk, file))

async function idsInFile(): Promise<string[]> {
  const ids: string[] = []
  await withFile(realDisk, path(), (file) =>
    readFrames(realDisk, file, ({ type, payload }) => {
      if (type === frameTypes.line) ids.push(decodeLine(payload).line.id)
      return true
    }),
  )
  return ids
}

describe('a line in a file', () => {
  const anyLine: fc.Arbitrary<OutboxLine> = fc.record({
    id: fc.string({ unit: 'grapheme' }),
    day: fc.constant(day),
    kind: fc.constantFrom('event', 'user', 'account'),
    rank: fc.constantFrom('total', 'detail'),
    body: fc.string({ unit: 'grapheme', maxLength: 600 }),
    calls: fc.nat(),
  })
  const decoded = (frame: Buffer) => decodeLine((decodeFrame(frame, 0, 7) as Frame).payload)

  it('is what was written, whatever its text', () => {
    fc.assert(
      fc.property(anyLine, (one) => {
        expect(decoded(encodeLine(one, 7))).toEqual({ line: one, more: undefined })
      }),
    )
  })

  it('has the reply of PX and the time after it; an earlier version wrote no time', () => {
    for (const more of [
      { text: 'bad date', atMs: 5 },
      { text: '', atMs: undefined },
    ]) {
      expect(decoded(encodeLine(line('a'), 7, more))).toEqual({ line: line('a'), more })
    }
  })
})

describe('writing the file of a closed day', () => {
  it('puts totals before details, each in their order', async () => {
    expect(await write(mixed)).toEqual({ lines: 4, calls: 8 })
    expect(await idsInFile()).toEqual(['t1', 't2', 'd1', 'd2'])
    expect(await read()).toMatchObject({ header, end: { lines: 4, totals: 2 } })
  })

  it('leaves no other file behind', async () => {
    await write(mixed)
    expect(fs.readdirSync(folder.outbox)).toEqual(['x.lines'])
  })

  it('names no file when the lease was lost meanwhile', async () => {
    expect(await write(mixed, realDisk, () => false)).toBeUndefined()
    expect(fs.readdirSync(folder.outbox)).toEqual([])
  })

  it('leaves the file of the process that was first', async () => {
    await write([line('first')])
    expect(await write([line('second')])).toBeUndefined()
    expect(await idsInFile()).toEqual(['first'])
  })

  it('works without hard links, and leaves the first file there too', async () => {
    const disk = diskWith((call) => {
      if (call === 'linkSync') throw errno('EPERM')
    })
    expect(await write([line('first')], disk)).toMatchObject({ lines: 1 })
    expect(await write([line('second')], disk)).toBeUndefined()
    expect(await idsInFile()).toEqual(['first'])
  })

  it('has no file when a line cannot be made', async () => {
    const failing = async function* (): AsyncGenerator<OutboxLine> {
      yield line('a')
      throw new Error('no roll-up')
    }
    await expect(writeLineFile(realDisk, path(), header, failing(), () => true)).rejects.toThrow('no roll-up')
    expect(fs.readdirSync(folder.outbox)).toEqual([])
  })
})

describe('reading the head and the end of a file', () => {
  it('finds that a file with a header only is finished', async () => {
    fs.writeFileSync(path(), encodeHeader(header))
    expect(await read()).toMatchObject({ header, end: { lines: 0, totals: 0 } })
  })

  it.each([1, 24, 60])('finds no end when the last %d bytes are missing', async (bytes) => {
    await write(mixed)
    fs.truncateSync(path(), fs.statSync(path()).size - bytes)
    expect(await read()).toMatchObject({ header, end: undefined })
  })

  it('fails for a file without a header', async () => {
    fs.writeFileSync(path(), Buffer.alloc(50))
    await expect(read()).rejects.toThrow('it has no header that can be read')
  })
})

import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import {
  decodeFrame,
  encodeFrame,
  frameSeed,
  frameTypes,
  holdsFrame,
} from '../../../packages/core/src/counting/journal-frames.ts'

const seed = frameSeed('a journal')

/** Payloads of all lengths from 0 on, as a journal of small batches has them. */
const payloads = Array.from({ length: 40 }, (_, length) =>
  Buffer.from(Array.from({ length }, (_, at) => (length * 31 + at * 7) & 0xff)),
)
const frames = payloads.map((payload) => encodeFrame(frameTypes.counts, payload, seed))
const journal = Buffer.concat(frames)

/** The payloads up to the first place where there is no frame. */
function read(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; ; ) {
    const frame = decodeFrame(bytes, at, seed)
    if (typeof frame !== 'object') return found
    found.push(frame.payload)
    at = frame.end
  }
}

/** How many frames end at or before an offset. */
function whole(offset: number): number {
  let end = 0
  return frames.filter((frame) => {
    end += frame.length
    return end <= offset
  }).length
}

/** The same numbers in every run. */
function random(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = crc32(Buffer.from(String(state)), state)
    return state % below
  }
}

it('a journal of frames, cut at every byte, is its exact frame prefix', () => {
  for (let cut = 0; cut <= journal.length; cut++) {
    expect(read(journal.subarray(0, cut))).toEqual(payloads.slice(0, whole(cut)))
  }
})

it('a frame that is not whole says how many bytes it takes to tell', () => {
  const frame = frames.at(-1) as Buffer
  expect(decodeFrame(frame.subarray(0, 3), 0, seed)).toBe(10)
  expect(decodeFrame(frame.subarray(0, 20), 0, seed)).toBe(frame.length)
})

it('100,000 flipped bits make no false frame, and cost no frame before them', () => {
  const below = random(1)
  for (let i = 0; i < 100_000; i++) {
    const at = below(journal.length)
    const bit = 1 << below(8)
    journal[at] = (journal[at] as number) ^ bit
    const found = read(journal)
    if (found.length !== whole(at) || !found.every((payload, n) => payload.equals(payloads[n] as Buffer))) {
      throw new Error(`bit ${bit} at ${at}: ${found.length} frames, ${whole(at)} stand before it`)
    }
    journal[at] = (journal[at] as number) ^ bit
  }
  expect(read(journal)).toEqual(payloads)
})

it('10,000 overwritten stretches make no false frame, and cost no frame before them', () => {
  const below = random(2)
  for (let i = 0; i < 10_000; i++) {
    const damaged = Buffer.from(journal)
    const at = below(journal.length)
    const length = 1 + below(64)
    for (let n = at; n < Math.min(at + length, damaged.length); n++) damaged[n] = below(256)
    const found = read(damaged)
    if (found.length < whole(at)) throw new Error(`overwritten from ${at}: lost a frame before it`)
    if (found.some((payload, n) => !payload.equals(payloads[n] as Buffer))) {
      throw new Error(`overwritten from ${at}: a false frame`)
    }
  }
})

it('zeros that a crash left behind the end are no frames', () => {
  expect(read(Buffer.concat([journal, Buffer.alloc(4_096)]))).toEqual(payloads)
  expect(read(Buffer.alloc(4_096))).toEqual([])
})

it('a frame of another journal that a disk left behind the end is none of this one', () => {
  const other = encodeFrame(frameTypes.counts, Buffer.from('other'), frameSeed('another journal'))
  expect(read(Buffer.concat([journal, other]))).toEqual(payloads)
})

it('a frame behind damage is found, and none where there is none', () => {
  expect(
    holdsFrame(Buffer.concat([Buffer.from('damage \xa7\xa7', 'latin1'), frames[7] as Buffer]), seed),
  ).toBe(true)
  expect(holdsFrame(Buffer.from('damage \xa7\xa7 only', 'latin1'), seed)).toBe(false)
  expect(holdsFrame((frames[7] as Buffer).subarray(0, -1), seed)).toBe(false)
})

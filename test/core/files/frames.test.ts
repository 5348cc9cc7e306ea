import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import {
  decodeFrame,
  encodeFrame,
  frameSeed,
  frameTypes,
  holdsFrame,
} from '../../../packages/core/src/files/frames.ts'

const seed = frameSeed('a journal')

/** Payloads of all lengths from 0 on, as a journal of small batches has them. */
const payloads = Array.from({ length: 40 }, (_, length) =>
  Buffer.from(Array.from({ length }, (_, at) => (length * 31 + at * 7) & 0xff)),
)
const frames = payloads.map((payload) => encodeFrame(frameTypes.counts, payload, seed))
const journal = Buffer.concat(frames)

const starts = frames.map((_, n) => frames.slice(0, n).reduce((sum, { length }) => sum + length, 0))

/** The payloads from the nth frame up to the first place where there is no frame. */
function read(bytes: Buffer, n = 0): Buffer[] {
  const found: Buffer[] = []
  for (let at = starts[n] as number; ; ) {
    const frame = decodeFrame(bytes, at, seed)
    if (typeof frame !== 'object') return found
    found.push(frame.payload)
    at = frame.end
  }
}

/** How many frames end at or before an offset. */
function whole(offset: number): number {
  const next = starts.findIndex((_, n) => (starts[n + 1] ?? journal.length) > offset)
  return next === -1 ? frames.length : next
}

/** Whether these are the payloads from the nth on. */
function areTrue(found: readonly Buffer[], n = 0): boolean {
  return found.every((payload, place) => payload.equals(payloads[n + place] ?? Buffer.from('none')))
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
    const found = read(journal.subarray(0, cut))
    if (found.length !== whole(cut) || !areTrue(found))
      throw new Error(`cut at ${cut}: ${found.length} frames`)
  }
})

it('an incomplete frame says how many bytes are needed to read it', () => {
  const frame = frames.at(-1) as Buffer
  expect(decodeFrame(frame.subarray(0, 3), 0, seed)).toBe(10)
  expect(decodeFrame(frame.subarray(0, 20), 0, seed)).toBe(frame.length)
})

/**
 * Damages a copy of the journal 100,000 times. Reading starts at the frame that is hit first, as those before it are the same
 * bytes; each hundredth time at the beginning.
 */
function damage(
  start: number,
  hit: (bytes: Buffer, at: number, below: (n: number) => number) => number,
): void {
  const below = random(start)
  const damaged = Buffer.from(journal)
  for (let i = 0; i < 100_000; i++) {
    const at = below(journal.length)
    const end = hit(damaged, at, below)
    const isChanged = damaged.compare(journal, at, end, at, end) !== 0
    const n = i % 100 === 0 ? 0 : whole(at)
    const found = read(damaged, n)
    if (n + found.length < whole(at)) throw new Error(`hit at ${at}: lost a frame before it`)
    if (!areTrue(found, n)) throw new Error(`hit at ${at}: a false frame`)
    if (isChanged && n + found.length === frames.length) throw new Error(`hit at ${at}: taken for whole`)
    journal.copy(damaged, at, at, end)
  }
  expect(damaged.equals(journal)).toBe(true)
}

it('100,000 flipped bits make no false frame, and cost no frame before them', () => {
  damage(1, (bytes, at, below) => {
    bytes[at] = (bytes[at] as number) ^ (1 << below(8))
    return at + 1
  })
})

it('100,000 overwritten stretches make no false frame, and cost no frame before them', () => {
  damage(2, (bytes, at, below) => {
    const end = Math.min(at + 1 + below(64), bytes.length)
    for (let n = at; n < end; n++) bytes[n] = below(256)
    return end
  })
})

it('zeros that a crash left behind the end are no frames', () => {
  expect(read(Buffer.concat([journal, Buffer.alloc(4_096)]))).toEqual(payloads)
  expect(read(Buffer.alloc(4_096))).toEqual([])
})

it('a frame of another journal that a disk left behind the end is not read', () => {
  const other = encodeFrame(frameTypes.counts, Buffer.from('other'), frameSeed('another journal'))
  expect(read(Buffer.concat([journal, other]))).toEqual(payloads)
})

it('a frame behind damage is found, and no false one', () => {
  expect(
    holdsFrame(Buffer.concat([Buffer.from('damage \xa7\xa7', 'latin1'), frames[7] as Buffer]), seed),
  ).toBe(true)
  expect(holdsFrame(Buffer.from('damage \xa7\xa7 only', 'latin1'), seed)).toBe(false)
  expect(holdsFrame((frames[7] as Buffer).subarray(0, -1), seed)).toBe(false)
})

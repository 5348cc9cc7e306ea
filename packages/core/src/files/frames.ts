import { crc32 } from 'node:zlib'

/*
 * A frame is: magic 0xA7, CRC-32 (u32), type, length of the payload (u32), payload. Numbers are little-endian.
 * Magic and type are never 0, so the zeros that a crash can leave at the end of a file are not taken for a frame.
 * The checksum covers everything after it and is seeded with the id of the file, so a frame of another file that a disk left
 * behind the end is not taken for a frame of this one.
 */

/** Increase it when an older px-usage can no longer read what this one writes. */
export const formatVersion = 1

export const frameTypes = { header: 1, counts: 2, seal: 3, line: 4, end: 5, change: 6 } as const
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes]

export interface Frame {
  readonly type: FrameType
  /** A view into the buffer that was decoded: valid for as long as that buffer is. */
  readonly payload: Buffer
  /** Offset of the first byte after it. */
  readonly end: number
}

export const frameHeadBytes = 10
const magic = 0xa7
/** No frame is nearly as long. Without this bound, a damaged length would make the reader read up to 4 GB. */
const maxPayloadBytes = 256 * 1024 * 1024

/** Returns the seed of the checksums of a file. */
export function frameSeed(id: string): number {
  return crc32(id)
}

export function encodeFrame(type: FrameType, payload: Uint8Array, seed: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes + payload.length)
  frame[0] = magic
  frame[5] = type
  frame.writeUInt32LE(payload.length, 6)
  frame.set(payload, frameHeadBytes)
  frame.writeUInt32LE(crc32(frame.subarray(5), seed), 1)
  return frame
}

/**
 * Decodes the frame that starts at an offset.
 *
 * @returns the frame; if the buffer ends within it, the number of bytes that a decision needs; `undefined` if there is no frame
 */
export function decodeFrame(bytes: Buffer, at: number, seed: number): Frame | number | undefined {
  if (at < bytes.length && bytes[at] !== magic) return undefined
  if (bytes.length - at < frameHeadBytes) return frameHeadBytes
  const type = bytes[at + 5] as FrameType
  const length = bytes.readUInt32LE(at + 6)
  if (type < frameTypes.header || type > frameTypes.change || length > maxPayloadBytes) return undefined
  const end = at + frameHeadBytes + length
  if (end > bytes.length) return frameHeadBytes + length
  if (crc32(bytes.subarray(at + 5, end), seed) !== bytes.readUInt32LE(at + 1)) return undefined
  return { type, payload: bytes.subarray(at + frameHeadBytes, end), end }
}

/** Returns whether the bytes contain an intact frame: then what could not be read before it is damage, not an unfinished write. */
export function holdsFrame(bytes: Buffer, seed: number): boolean {
  for (let at = bytes.indexOf(magic); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    if (typeof decodeFrame(bytes, at, seed) === 'object') return true
  }
  return false
}

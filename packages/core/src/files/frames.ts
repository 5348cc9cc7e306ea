import { crc32 } from 'node:zlib'

/*
 * A frame: magic 0xA7, CRC-32 (u32), type, length of the payload (u32), payload; numbers little-endian. Magic and type are
 * never 0, so that zeros at the end of a file (a crash can leave them) are no frame. The checksum covers all behind it and
 * starts from the id of the file: a frame of another file that a disk left behind the end is none of ours.
 */

/** Raised when an older px-usage could no longer read what this one writes. */
export const formatVersion = 1

export const frameTypes = { header: 1, counts: 2, seal: 3, line: 4, end: 5, change: 6 } as const
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes]

export interface Frame {
  readonly type: FrameType
  /** A part of the buffer it was read from: good for as long as that is. */
  readonly payload: Buffer
  /** Offset of the first byte after it. */
  readonly end: number
}

export const frameHeadBytes = 10
const magic = 0xa7
/** No frame is as long by far; a damaged length must not make us read on and on. */
const maxPayloadBytes = 256 * 1024 * 1024

/** What the checksums of a file start from. */
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
 * The frame that starts at an offset.
 *
 * @returns how many bytes from there on are needed to tell, if the buffer ends before; `undefined` if there is no frame
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

/** Whether a whole frame stands anywhere in the bytes: then what could not be read before it is damage, not an end. */
export function holdsFrame(bytes: Buffer, seed: number): boolean {
  for (let at = bytes.indexOf(magic); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    if (typeof decodeFrame(bytes, at, seed) === 'object') return true
  }
  return false
}

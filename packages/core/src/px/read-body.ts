import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { quoted } from '../errors.ts'

/** The body of a response as it was received, and the headers that describe it. */
interface RawBody {
  readonly bytes: Buffer
  /** Whether the whole body was received. */
  readonly isComplete: boolean
  readonly contentEncoding: string
  readonly contentType: string | undefined
}

interface ReadBody {
  readonly body: string
  /** Whether `body` is the whole text. */
  readonly isComplete: boolean
  /** Why the body cannot be read. */
  readonly fault?: string
}

interface Content {
  bytes: Buffer
  /** Whether it was received and decompressed to the end. */
  isWhole: boolean
}

/** The most layers of compression that are removed, more than any chain of proxies was seen to apply. */
const maxLayers = 3

const decompressors = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const

/**
 * Returns the text of a body. It never rejects.
 *
 * px-usage requests no compression, but a CDN may compress all responses. If such a list could not be read, its lines would stay
 * unconfirmed for ever. Where bytes and headers disagree, the bytes decide: a proxy may decompress a body and keep the header, or
 * the reverse.
 *
 * @param maxBytes the most bytes that are decompressed, because a few kilobytes may decompress to gigabytes
 */
export async function readBody(raw: RawBody, maxBytes: number): Promise<ReadBody> {
  const layers = raw.contentEncoding
    .toLowerCase()
    .split(',')
    .map((layer) => layer.trim())
    .filter((layer) => layer !== '' && layer !== 'identity')
    .reverse()
  let content: Content = {
    bytes: raw.bytes.subarray(0, maxBytes),
    isWhole: raw.isComplete && raw.bytes.length <= maxBytes,
  }
  const unreadable = (fault: string) => ({ body: '', isComplete: false, fault })
  if (layers.length > maxLayers) return unreadable(`is compressed ${layers.length} times`)
  for (const layer of layers) {
    if (Object.hasOwn(decompressors, layer)) {
      content = await decompressed(layer as keyof typeof decompressors, content, maxBytes)
    } else if (!looksLikeText(content.bytes)) return unreadable(`is compressed with ${quoted(layer)}`)
  }
  if (isGzip(content.bytes)) content = await decompressed('gzip', content, maxBytes)
  return { body: textOf(content.bytes, raw.contentType ?? ''), isComplete: content.isWhole }
}

async function decompressed(
  layer: keyof typeof decompressors,
  packed: Content,
  maxBytes: number,
): Promise<Content> {
  const { bytes } = packed
  // RFC 9110 requires the header of zlib for `deflate`, but some servers send the stream without it.
  const create = layer === 'deflate' && !isZlib(bytes) ? createInflateRaw : decompressors[layer]
  const { bytes: content, isWhole } = await pump(create, bytes, maxBytes)
  if (!isWhole && !isGzip(bytes) && looksLikeText(bytes)) return packed
  return { bytes: content, isWhole: isWhole && packed.isWhole }
}

/** Decompresses to the end, to `maxBytes` or to the first error. Even a part of the text may show what went wrong. */
function pump(create: () => Transform, bytes: Buffer, maxBytes: number): Promise<Content> {
  return new Promise((resolve) => {
    const stream = create()
    const chunks: Buffer[] = []
    let length = 0
    const finish = (isWhole: boolean) => {
      resolve({ bytes: Buffer.concat(chunks).subarray(0, maxBytes), isWhole })
      stream.destroy()
    }
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > maxBytes) finish(false)
    })
    stream.on('end', () => finish(true))
    stream.on('error', () => finish(false))
    stream.end(bytes)
  })
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** Returns whether the bytes begin with the header of zlib (RFC 1950, 2.2): method 8, and two bytes that are divisible by 31. */
function isZlib(bytes: Buffer): boolean {
  return bytes.length > 1 && ((bytes[0] as number) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0
}

/** Returns whether the bytes are uncompressed JSON, HTML or empty. A brotli stream may begin with `[`, but is not valid UTF-8. */
function looksLikeText(bytes: Buffer): boolean {
  if (!/^(\xef\xbb\xbf)?\s*([{[<"]|$)/.test(bytes.toString('latin1', 0, 64))) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

/**
 * Decodes a text without its byte order mark, which JSON may not have. Zeros, which come from UTF-16 without a mark, are removed:
 * between the characters of the API key, they would keep the key from being found and removed.
 */
function textOf(bytes: Buffer, contentType: string): string {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType) ?? []
  const mark = bytes.toString('latin1', 0, 2)
  const marked = mark === '\xff\xfe' ? 'utf-16le' : mark === '\xfe\xff' ? 'utf-16be' : charset
  return decode(bytes, marked).replaceAll('\0', '')
}

function decode(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { quoted } from '../errors.ts'

/** What came as the body of a response, and what its headers say about it. */
interface RawBody {
  readonly bytes: Buffer
  /** Whether the connection brought all of it. */
  readonly isComplete: boolean
  readonly contentEncoding: string
  readonly contentType: string | undefined
}

interface ReadBody {
  readonly body: string
  /** Whether `body` is all of it. */
  readonly isComplete: boolean
  /** Why it cannot be read. */
  readonly fault?: string
}

interface Content {
  bytes: Buffer
  /** Decompressed to the end. */
  isWhole: boolean
}

/** More than any chain of proxies has been seen to apply. */
const maxLayers = 3

const decompressors = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const

/**
 * Returns the text of a body. px-usage asks for no compression, but a CDN may compress whatever is asked, and lines would stay
 * unconfirmed for ever if such a list could not be read. Never rejects.
 *
 * Headers are not trusted where the bytes contradict them: a proxy may decompress a body and leave its header, or the reverse.
 *
 * @param maxBytes the most that is decompressed: a few kilobytes may decompress to gigabytes
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
  // By RFC 9110 with the header of zlib; some servers send the bare stream.
  const create = layer === 'deflate' && !isZlib(bytes) ? createInflateRaw : decompressors[layer]
  const { bytes: content, isWhole } = await pump(create, bytes, maxBytes)
  if (!isWhole && !isGzip(bytes) && looksLikeText(bytes)) return packed
  return { bytes: content, isWhole: isWhole && packed.isWhole }
}

/** Decompresses to the end, to `maxBytes` or to the first error: what came until then may still say what went wrong. */
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

/** The header of zlib (RFC 1950, 2.2): method 8, and a check that makes two bytes divisible by 31. */
function isZlib(bytes: Buffer): boolean {
  return bytes.length > 1 && ((bytes[0] as number) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0
}

/** JSON or a page of a proxy that is not compressed at all, or nothing. A brotli stream may begin with `[`, but is no UTF-8. */
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
 * Removes a byte order mark, which JSON may not have. Zeros come from UTF-16 without a mark; between its characters the API key would
 * not be recognized.
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

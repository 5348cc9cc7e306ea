import { createReadStream } from 'node:fs'
import { pipeline, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { failedError } from '../exit-codes.ts'

/** A piece of a log: whole lines, each with its line feed. Only the last piece may end without one. */
export interface LogPiece {
  /** One character for each byte (`latin1`). */
  readonly text: string
  /** Lines of more than 1 MiB that ended since the last piece, and were dropped. */
  readonly tooLong: number
}

export interface LogSource {
  /** The path, or `-` for standard input. */
  readonly path: string
  /** Called with the number of bytes that were read from the file, before they are unpacked. */
  onBytes?(bytes: number): void
}

const pieceBytes = 1024 * 1024
const longestLine = 1024 * 1024

/**
 * Yields a log in pieces, so that memory does not depend on its size. A log that begins with the mark of gzip is unpacked.
 *
 * @throws {CommandError} if the file cannot be read or its compressed data is damaged
 */
export async function* readLog(source: LogSource, stdin: Readable): AsyncGenerator<LogPiece> {
  const { path, onBytes } = source
  const input: Readable = path === '-' ? stdin : createReadStream(path, { highWaterMark: pieceBytes })
  const lines = createLineJoiner()
  try {
    for await (const bytes of unpacked(counted(input, onBytes))) {
      const piece = lines.take(bytes)
      if (piece.text !== '' || piece.tooLong > 0) yield piece
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const name = path === '-' ? 'standard input' : path
    throw failedError(
      code?.startsWith('Z_')
        ? `${name} cannot be unpacked: ${message}. Its end may be missing; fetch the file again.`
        : `Cannot read ${name}: ${message}`,
      error,
    )
  }
  const rest = lines.rest()
  if (rest.text !== '' || rest.tooLong > 0) yield rest
}

async function* counted(input: Readable, onBytes: LogSource['onBytes']): AsyncGenerator<Buffer> {
  for await (const chunk of input) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer)
    onBytes?.(bytes.length)
    yield bytes
  }
}

/** Unpacks data that begins with the mark of gzip (RFC 1952, section 2.3.1), and passes on other data. */
async function* unpacked(input: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0)
  while (head.length < 2) {
    const { value, done } = await input.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  const all = async function* (): AsyncGenerator<Buffer> {
    yield head
    yield* input
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* all()
  const gunzip = createGunzip({ chunkSize: pieceBytes })
  // The error of the pipeline is also that of the loop below.
  pipeline(all(), gunzip, () => {})
  for await (const chunk of gunzip) yield chunk as Buffer
}

/** Joins chunks of bytes to pieces that end with a line feed. */
function createLineJoiner() {
  let carried = ''
  let isDropping = false
  return {
    take(bytes: Buffer): LogPiece {
      let from = 0
      let tooLong = 0
      if (isDropping) {
        const feed = bytes.indexOf(10)
        if (feed === -1) return { text: '', tooLong: 0 }
        isDropping = false
        tooLong = 1
        from = feed + 1
      }
      const last = bytes.lastIndexOf(10)
      if (last < from) {
        carried += bytes.toString('latin1', from)
        if (carried.length > longestLine) {
          carried = ''
          isDropping = true
        }
        return { text: '', tooLong }
      }
      const text = carried + bytes.toString('latin1', from, last + 1)
      carried = bytes.toString('latin1', last + 1)
      return { text, tooLong }
    },
    rest: (): LogPiece => ({ text: carried, tooLong: isDropping ? 1 : 0 }),
  }
}

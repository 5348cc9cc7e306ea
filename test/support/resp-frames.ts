/** Splits a stream of RESP2 or RESP3 into whole values, as a proxy needs it: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export class RespFrames {
  #bytes: Buffer = Buffer.alloc(0)

  /** Takes a chunk of the stream and returns the values that are now complete, each with all its bytes. */
  push(chunk: Buffer): Buffer[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const frames: Buffer[] = []
    for (;;) {
      const end = endOf(this.#bytes, 0)
      if (end === undefined) return frames
      frames.push(this.#bytes.subarray(0, end))
      this.#bytes = this.#bytes.subarray(end)
    }
  }
}

/** The offset behind the value that begins at `at`, or `undefined` where bytes are missing. */
function endOf(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf('\r\n', at)
  if (line === -1) return undefined
  const type = String.fromCharCode(bytes[at] ?? 0)
  const count = Number(bytes.toString('latin1', at + 1, line))
  const next = line + 2
  if ('$!='.includes(type)) {
    const end = count < 0 ? next : next + count + 2
    return end <= bytes.length ? end : undefined
  }
  if ('*~>'.includes(type)) return endOfValues(bytes, next, count)
  if (type === '%') return endOfValues(bytes, next, 2 * count)
  // Attributes come before the value that they belong to.
  if (type === '|') return endOfValues(bytes, next, 2 * count + 1)
  return next
}

function endOfValues(bytes: Buffer, start: number, count: number): number | undefined {
  let at: number | undefined = start
  for (let value = 0; value < count && at !== undefined; value++) at = endOf(bytes, at)
  return at
}

/** The name of a command as clients send it, in upper case. */
export function commandName(frame: Buffer): string {
  return (frame.toString('latin1', 0, 200).split('\r\n')[2] ?? '').toUpperCase()
}

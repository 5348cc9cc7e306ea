import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readBody } from '../../../packages/core/src/px/read-body.ts'

const mebibyte = 1024 * 1024
const text = JSON.stringify({ customEvents: [{ eventId: 'ü-1' }], totalHits: 1 })

function read(
  bytes: Buffer,
  contentEncoding = '',
  { maxBytes = mebibyte, isComplete = true, contentType = 'application/json' } = {},
) {
  return readBody({ bytes, isComplete, contentEncoding, contentType }, maxBytes)
}

const packers = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  'deflate without the header of zlib': deflateRawSync,
  br: brotliCompressSync,
} as const

describe.each(Object.entries(packers))('a body compressed with %s', (name, pack) => {
  const encoding = name.split(' ')[0] as string

  it('is read, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (json) => {
        expect(await read(pack(json), encoding.toUpperCase())).toEqual({ body: json, isComplete: true })
      }),
      { numRuns: 200 },
    )
  })

  it('is not whole if it was cut, and has the beginning', async () => {
    const long = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => index * 7_919))
    const packed = pack(long)
    const { body, isComplete } = await read(packed.subarray(0, packed.length - 9), encoding)
    expect(isComplete).toBe(false)
    expect(long.startsWith(body)).toBe(true)
    expect(await read(packed, encoding, { isComplete: false })).toMatchObject({ isComplete: false })
  })

  it('is decompressed to the given size only: 256 MiB of zeros', async () => {
    const { body, isComplete } = await read(pack(Buffer.alloc(256 * mebibyte, 'x')), encoding)
    expect(body).toHaveLength(mebibyte)
    expect(isComplete).toBe(false)
  })

  it('is read as it is if a proxy decompressed it and left the header', async () => {
    for (const plain of [text, ` ${text}`, '<html>', '[]', '']) {
      expect(await read(Buffer.from(plain), encoding)).toEqual({ body: plain, isComplete: true })
    }
  })
})

it('a body that is compressed without a header that says so is read', async () => {
  expect(await read(gzipSync(text))).toEqual({ body: text, isComplete: true })
})

it('up to three layers are read, and more are not whole', async () => {
  const packed = gzipSync(deflateSync(brotliCompressSync(text)))
  expect(await read(packed, 'br, deflate,gzip')).toEqual({ body: text, isComplete: true })
  expect(await read(gzipSync(packed), 'br, deflate, gzip, gzip')).toEqual({
    body: '',
    isComplete: false,
    fault: 'is compressed 4 times',
  })
})

it('an unknown encoding is named, unless the body is plain', async () => {
  expect(await read(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 'zstd')).toEqual({
    body: '',
    isComplete: false,
    fault: 'is compressed with "zstd"',
  })
  expect(await read(Buffer.from(text), 'toString')).toEqual({ body: text, isComplete: true })
})

it('a byte order mark, UTF-16 and an unsupported charset do not matter', async () => {
  const ascii = '{"a":1}'
  const utf16 = Buffer.from(ascii, 'utf16le')
  const expected = { body: ascii, isComplete: true }
  expect(await read(Buffer.from(`\ufeff${ascii}`))).toEqual(expected)
  expect(await read(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]))).toEqual(expected)
  expect(await read(utf16, '', { contentType: 'application/json; charset=UTF-16LE' })).toEqual(expected)
  expect(await read(utf16)).toEqual(expected)
  expect(await read(Buffer.from(ascii), '', { contentType: 'text/plain; charset=klingon' })).toEqual(expected)
})

it('no bytes whatever, with any header, make it throw', async () => {
  const encodings = fc.constantFrom('', 'gzip', 'deflate', 'br', 'br, gzip', 'zstd', '__proto__', ',,')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), encodings, async (bytes, encoding) => {
      expect(typeof (await read(Buffer.from(bytes), encoding)).body).toBe('string')
    }),
    { numRuns: 500 },
  )
})

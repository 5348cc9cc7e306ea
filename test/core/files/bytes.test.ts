import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '../../../packages/core/src/files/bytes.ts'

const values = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
    fc.record({
      kind: fc.constant('number' as const),
      value: fc.oneof(fc.double(), fc.nat(), fc.constant(-0)),
    }),
    fc.record({
      kind: fc.constant('text' as const),
      value: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', 'a\udc00', '')),
    }),
    fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array() }),
  ),
)

type Values = typeof values extends fc.Arbitrary<infer T> ? T : never

function write(writer: ByteWriter, written: Values) {
  for (const each of written) {
    if (each.kind === 'varint') writer.varint(each.value)
    else if (each.kind === 'number') writer.number(each.value)
    else if (each.kind === 'text') writer.text(each.value)
    else writer.bytes(each.value)
  }
}

it('reads back every value that was written, whatever the size of the first buffer', () => {
  fc.assert(
    fc.property(values, fc.nat(64), (written, size) => {
      const writer = new ByteWriter(size)
      write(writer, written)
      const reader = new ByteReader(Buffer.from(writer.written()))
      for (const { kind, value } of written) {
        const read = reader[kind]()
        expect(read instanceof Uint8Array ? [...read] : read).toEqual(
          value instanceof Uint8Array ? [...value] : value,
        )
      }
      expect(reader.isAtEnd).toBe(true)
    }),
  )
})

it('reads nothing out of bytes that end within a value', () => {
  const writer = new ByteWriter()
  writer.text('a text')
  const cut = Buffer.from(writer.written().subarray(0, -1))
  expect(() => new ByteReader(cut).text()).toThrow()
  expect(() => new ByteReader(cut).skipText()).toThrow()
  expect(() => new ByteReader(Buffer.of(0x80)).varint()).toThrow()
})

it('small integers take one byte, and a cleared writer begins again', () => {
  const writer = new ByteWriter()
  writer.number(63)
  expect(writer.length).toBe(1)
  writer.clear()
  writer.number(0.5)
  expect(writer.length).toBe(9)
})

it('a text can be skipped', () => {
  const writer = new ByteWriter()
  writer.text('é\ud800')
  writer.varint(7)
  const reader = new ByteReader(writer.written())
  reader.skipText()
  expect(reader.varint()).toBe(7)
})

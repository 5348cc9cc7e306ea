import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutCredential } from '../../../packages/core/src/attribution/redact-credential.ts'

const credential = 'Bearer sk_live_4F9a8B7c6D5e'
const token = 'sk_live_4F9a8B7c6D5e'

/** How a driver, a proxy or a logger may write what it was given, and how a reader gets it back. */
const encodings: Record<string, (text: string) => string> = {
  'in upper case': (text) => text.toUpperCase(),
  'in lower case': (text) => text.toLowerCase(),
  reversed: (text) => [...text].reverse().join(''),
  'with blanks between': (text) => [...text].join(' '),
  'split over lines': (text) => text.replace(/.{6}/g, '$&\n    '),
  'in hex': (text) => Buffer.from(text).toString('hex'),
  'in hex, upper case': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'in hex with colons': (text) =>
    [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
  'as a printed Buffer': (text) =>
    `<Buffer ${[...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}>`,
  'as bytes in decimal': (text) => `[${[...Buffer.from(text)].join(', ')}]`,
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64url': (text) => Buffer.from(text).toString('base64url'),
  'in base64 behind a user': (text) => `Basic ${Buffer.from(`user:${text}`).toString('base64')}`,
  'in base64 behind two letters': (text) => Buffer.from(`k=${text}`).toString('base64'),
  'in base64 over lines': (text) =>
    Buffer.from(`{"key":"${text}"}`).toString('base64').replace(/.{10}/g, '$&\n'),
  'in a URL, every character escaped': (text) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  'in JSON, every character escaped': (text) =>
    [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  'in HTML': (text) => [...text].map((char) => `&#${char.charCodeAt(0)};`).join(''),
  'as UTF-16 in hex': (text) => Buffer.from(text, 'utf16le').toString('hex'),
}

/** Everything of an error that a log, an inspector or a reporter may show. */
function shown(error: Error): string {
  const { name, message, stack } = error
  const own = Object.getOwnPropertyNames(error).map((key) => String((error as never)[key]))
  return [name, message, stack, ...own].join('\n')
}

function isShown(error: Error, written: string): boolean {
  for (let from = 0; from + 12 <= written.length; from += 3) {
    if (shown(error).includes(written.slice(from, from + 12))) return true
  }
  return false
}

describe.each(Object.entries(encodings))('a credential written %s', (_how, encode) => {
  it.each<[string, (written: string) => unknown]>([
    ['the message', (written) => new Error(`no row for ${written}, sorry`)],
    ['the name', (written) => Object.assign(new Error('no row'), { name: `E ${written}` })],
    ['the code', (written) => Object.assign(new Error('no row'), { code: `E ${written}` })],
    ['the stack', (written) => Object.assign(new Error('no row'), { stack: `Error: ${written}\n at x` })],
    ['a text that was thrown', (written) => `no row for ${written}`],
    ['a cause', (written) => new Error('no row', { cause: new Error(written) })],
    ['an error of many', (written) => new AggregateError([new Error(written)], 'no row')],
    ['a field', (written) => Object.assign(new Error('no row'), { parameters: [written] })],
  ])('is not in a copy of an error that has it in %s', (_where, make) => {
    const written = encode(token)
    expect(isShown(withoutCredential(make(written), credential), written)).toBe(false)
  })
})

it('is not shown in any two encodings, one within the other', () => {
  const inner = fc.constantFrom(...Object.values(encodings))
  // An encoding in other letters than its own cannot be read back.
  const outer = fc.constantFrom(
    ...Object.entries(encodings)
      .filter(([how]) => !how.endsWith('case'))
      .map(([, encode]) => encode),
  )
  fc.assert(
    fc.property(fc.uuid(), inner, outer, (key, inner, outer) => {
      const written = outer(inner(key))
      expect(isShown(withoutCredential(new Error(`no row for ${written}`), key), written)).toBe(false)
    }),
    { numRuns: 300 },
  )
})

it.each([
  'connect ECONNREFUSED 127.0.0.1:5432',
  'relation "api_keys" does not exist at character 15',
  'Timed out fetching a new connection from the connection pool (limit: 5, timeout: 10)',
  'Unexpected token < in JSON at position 0 of {"sha256":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}',
])('leaves a message as it is that does not hold the credential: %s', (message) => {
  const copy = withoutCredential(Object.assign(new TypeError(message), { code: 'E1' }), credential)
  expect(copy).toMatchObject({ name: 'TypeError', message, code: 'E1' })
  expect(copy.stack).toContain(message)
})

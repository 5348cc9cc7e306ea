import { describe, expect, it } from 'vitest'
import {
  asSentence,
  quoted,
  storeError,
  textWithReason,
  UsageError,
  usageError,
} from '../../packages/core/src/errors.ts'

const page = 'https://github.com/px-usage/px-usage/blob/main/docs/error-codes.md'
const help = `${page}#pxu_err_store_unavailable`
const code = 'PXU_ERR_STORE_UNAVAILABLE'

describe('UsageError', () => {
  it('has its code, its cause, and a message that ends with the address of its documentation', () => {
    const cause = new Error('ENOSPC')
    const error = new UsageError(code, 'The disk is full', { cause })
    expect(error).toMatchObject({ code, help, cause, name: 'UsageError' })
    expect(error.message).toBe(`The disk is full. See ${help}`)
    expect(error.stack).toContain('UsageError: The disk is full.')
  })

  it('is an instance of the class of another installed copy, and nothing else is', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('@px-usage/core.UsageError')]: true })
    expect(foreign instanceof UsageError).toBe(true)
    for (const other of [new Error('x'), { code, help }, null, undefined, 'UsageError']) {
      expect(other instanceof UsageError).toBe(false)
    }
  })

  it('does not show its brand when it is printed or copied', () => {
    const error = new UsageError(code, 'x')
    expect(Object.keys(error).sort()).toEqual(['code', 'help'])
    expect(Object.getOwnPropertySymbols({ ...error })).toEqual([])
  })
})

describe('storeError()', () => {
  it('returns a UsageError unchanged, and makes any other error the cause of one', () => {
    const own = new UsageError('PXU_ERR_STORE_IN_USE', 'In use.')
    expect(storeError('The store failed.', own)).toBe(own)
    const cause = new Error('EIO')
    expect(storeError('The store failed.', cause)).toMatchObject({ code, cause })
  })
})

describe('asSentence()', () => {
  it.each([
    ['connect ECONNREFUSED 127.0.0.1:443', 'connect ECONNREFUSED 127.0.0.1:443.'],
    ['It failed.', 'It failed.'],
    ['Why?', 'Why?'],
    ['It said "no."', 'It said "no."'],
    ['(It failed.)  \n', '(It failed.)'],
  ])('ends %j with one full stop', (text, sentence) => {
    expect(asSentence(text)).toBe(sentence)
  })
})

describe('usageError()', () => {
  it('makes an error of a failure, with a sentence about those that were not reported', () => {
    const failure = { code, message: 'The disk is full', cause: 'ENOSPC' } as const
    expect(usageError(failure, ' (3 times.)').message).toBe(`The disk is full. (3 times.) See ${help}`)
    expect(usageError(failure).cause).toBe('ENOSPC')
    expect('cause' in usageError({ code, message: 'x' })).toBe(false)
  })

  it('returns an error unchanged, or copies it with the sentence before its address', () => {
    const error = new UsageError(code, 'The disk is full.', { cause: 'ENOSPC' })
    expect(usageError(error)).toBe(error)
    const copy = usageError(error, ' (3 times.)')
    expect(copy.message).toBe(`The disk is full. (3 times.) See ${help}`)
    expect([copy.code, copy.cause, error.message.includes('times')]).toEqual([code, 'ENOSPC', false])
  })
})

describe('textWithReason()', () => {
  const eacces = Object.assign(new Error('permission denied'), { code: 'EACCES' })
  it.each<[string, unknown, string]>([
    [
      'adds the code of the cause',
      new UsageError(code, 'No folder.', { cause: eacces }),
      'No folder (EACCES).',
    ],
    ['adds no code twice', new UsageError(code, 'EACCES: no.', { cause: eacces }), 'EACCES: no.'],
    ['leaves the address out', new UsageError(code, 'No folder.'), 'No folder.'],
    ['ignores a code that is no text', new Error('x', { cause: { code: 5 } }), 'x'],
    ['takes a text', 'broken', 'broken'],
    ['takes null', null, 'null'],
  ])('%s', (_what, error, text) => {
    expect(textWithReason(error)).toBe(text)
  })
})

describe('quoted()', () => {
  it.each<[unknown, string]>([
    ['a "b"\n', '"a \\"b\\"\\n"'],
    [undefined, 'undefined'],
    [{ a: [1, 'x'] }, "{ a: [ 1, 'x' ] }"],
    [['a\nb'], "[ 'a\\nb' ]"],
    [10n, '10n'],
  ])('shows %o on one line', (value, text) => {
    expect(quoted(value)).toBe(text)
  })

  it('shortens a long value to 80 characters', () => {
    const text = quoted('x'.repeat(500))
    expect(text).toHaveLength(80)
    expect(text.endsWith('x...')).toBe(true)
    expect(quoted('x'.repeat(79))).toBe(`"${'x'.repeat(76)}...`)
    expect(quoted('x'.repeat(78))).toBe(`"${'x'.repeat(78)}"`)
  })

  it('calls no code of an object, and names the type of one that throws when it is inspected', () => {
    const custom = { [Symbol.for('nodejs.util.inspect.custom')]: () => 'from the app' }
    expect(quoted(custom)).not.toContain('from the app')
    const broken = Object.create(
      new Proxy(
        {},
        {
          getPrototypeOf() {
            throw new Error('no')
          },
        },
      ),
    )
    expect(quoted(broken)).toBe('of the type object')
  })
})

import { describe, expect, it } from 'vitest'
import { createOutput, wrap } from '../../packages/cli/src/output.ts'

function outputOf(given: { isTTY?: boolean; env?: Record<string, string>; isJson?: boolean }) {
  let out = ''
  let err = ''
  const output = createOutput({
    stdout: {
      write(text) {
        out += text
      },
      isTTY: given.isTTY ?? false,
      columns: 60,
    },
    stderr: {
      write(text) {
        err += text
      },
    },
    env: given.env ?? {},
    isJson: given.isJson ?? false,
  })
  return { output, out: () => out, err: () => err }
}

describe('the output', () => {
  it('has colour on a terminal only, and none with NO_COLOR', () => {
    const coloured = '\u001b[31mx\u001b[39m'
    expect(outputOf({ isTTY: true }).output.style('red', 'x')).toBe(coloured)
    expect(outputOf({}).output.style('red', 'x')).toBe('x')
    expect(outputOf({ isTTY: true, env: { NO_COLOR: '1' } }).output.style('red', 'x')).toBe('x')
    expect(outputOf({ isTTY: true, env: { NO_COLOR: '' } }).output.style('red', 'x')).toBe(coloured)
  })

  it('prints the value with --json, and the text otherwise', () => {
    const json = outputOf({ isJson: true })
    json.output.result({ a: 1 }, () => json.output.line('text'))
    expect(json.out()).toBe('{"a":1}\n')
    const text = outputOf({})
    text.output.result({ a: 1 }, () => text.output.line('text'))
    expect(text.out()).toBe('text\n')
  })

  it('keeps long values in their column', () => {
    const { output, out } = outputOf({ isTTY: true })
    output.facts([
      ['a', 'one '.repeat(20).trim()],
      ['label', 'two'],
    ])
    expect(out().split('\n')).toEqual([
      `  a      ${'one '.repeat(13).trim()}`,
      `         ${'one '.repeat(7).trim()}`,
      '  label  two',
      '',
    ])
  })

  it('writes notes to stderr with control characters written out', () => {
    const { output, out, err } = outputOf({ isJson: true })
    output.note('bad \u001b[2J id')
    expect([out(), err()]).toEqual(['', 'bad \\x1b[2J id\n'])
  })
})

it('wrap() breaks at spaces and keeps a word that is too long', () => {
  expect(wrap('a bb ccc\nd /a/very/long/path', 5)).toEqual(['a bb', 'ccc', 'd', '/a/very/long/path'])
})

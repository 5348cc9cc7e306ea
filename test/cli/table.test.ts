import { describe, expect, it } from 'vitest'
import { formatTable } from '../../packages/cli/src/table.ts'

describe('formatTable', () => {
  it('aligns numbers to the right and texts to the left', () => {
    const rows = [
      ['GET /v1/users', 12_345],
      ['POST /v1', 7],
    ]
    expect(formatTable({ columns: ['Endpoint', 'Calls'], rows }, 80)).toEqual([
      '  Endpoint        Calls',
      '  GET /v1/users  12,345',
      '  POST /v1            7',
    ])
  })

  it('cuts the widest text where the terminal is narrow, and no number', () => {
    const lines = formatTable(
      { columns: ['Id', 'Reason', 'Calls'], rows: [['a'.repeat(60), 'b'.repeat(40), 123]] },
      60,
    )
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
    expect(lines[1]).toMatch(/a… {2}b+…? {2,}123$/)
  })

  it('writes out control characters of ids', () => {
    expect(formatTable({ columns: ['Id'], rows: [['a\u001b]0;x\u0007\n']] }, 80)[1]).toBe(
      '  a\\x1b]0;x\\x07\\x0a',
    )
  })

  it('has only a head without rows', () => {
    expect(formatTable({ columns: ['Id', 'Calls'], rows: [] }, 80)).toEqual(['  Id  Calls'])
  })
})

import { cut, formatCount, oneLine } from './terminal-text.ts'

/** Rows for people. Numbers are right-aligned; texts are cut where the terminal is too narrow. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: ReadonlyArray<ReadonlyArray<string | number | undefined>>
}

const gap = 2
/** No column becomes narrower than this. */
const narrowest = 8

/** Returns the lines of a table, the head first, each at most `width` wide where that is possible. */
export function formatTable({ columns, rows }: Table, width: number): string[] {
  const cells = rows.map((row) =>
    columns.map((_, at) => {
      const value = row[at]
      return typeof value === 'number' ? formatCount(value) : oneLine(value ?? '')
    }),
  )
  const isNumber = columns.map((_, at) => rows.length > 0 && rows.every((row) => isNumeric(row[at])))
  const widths = columns.map((name, at) =>
    Math.max(name.length, ...cells.map((row) => [...(row[at] ?? '')].length)),
  )
  // The widest column gives way first: it holds ids or reasons, and the others hold what they are compared by.
  for (;;) {
    const total = widths.reduce((sum, one) => sum + one + gap, 0) - gap + 2
    const widest = widths.indexOf(Math.max(...widths))
    if (total <= width || (widths[widest] ?? 0) <= narrowest) break
    const second = Math.max(narrowest, ...widths.filter((_, at) => at !== widest))
    const excess = total - width
    const current = widths[widest] ?? 0
    widths[widest] = Math.max(narrowest, current - excess, Math.min(second, current - 1))
  }
  return [columns, ...cells].map((row) => {
    const line = row.map((cell, at) => {
      const text = cut(cell, widths[at] ?? 0)
      const space = ' '.repeat(Math.max(0, (widths[at] ?? 0) - [...text].length))
      return isNumber[at] ? space + text : text + space
    })
    return `  ${line.join(' '.repeat(gap))}`.trimEnd()
  })
}

function isNumeric(value: string | number | undefined): boolean {
  return value === undefined || typeof value === 'number'
}

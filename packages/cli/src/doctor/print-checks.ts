import { type Output, wrap } from '../output.ts'
import { oneLine } from '../terminal-text.ts'
import type { Check, Verdict } from './check.ts'

const words: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  warning: 'warning',
  failure: 'FAILURE',
  unknown: '-',
}
const colours = { ok: 'green', warning: 'yellow', failure: 'red', unknown: 'dim' } as const
const wordWidth = 7

/** Prints the checks of one area: the verdict, the name, what was found, and the cure below it. */
export function printChecks(output: Output, area: string, checks: readonly Check[]): void {
  output.heading(area)
  const rows = joined(checks)
  const nameWidth = Math.max(...rows.map(({ name }) => name.length))
  const indent = 2 + wordWidth + 2 + nameWidth + 2
  const width = output.columns - indent
  for (const { name, verdict, found, cure } of rows) {
    const [first = '', ...more] = wrap(oneLine(found), width)
    const cures = cure === undefined ? [] : wrap(oneLine(`Cure: ${cure}`), width)
    const word = output.style(colours[verdict], words[verdict].padEnd(wordWidth))
    output.line(`  ${word}  ${name.padEnd(nameWidth)}  ${first}`)
    for (const text of more) output.line(' '.repeat(indent) + text)
    for (const text of cures) output.line(' '.repeat(indent) + output.style('bold', text))
  }
}

/** Joins checks that could not be made for one reason into one row. */
function joined(checks: readonly Check[]): Check[] {
  const unknown = new Map<string, string[]>()
  for (const { name, verdict, found } of checks) {
    if (verdict === 'unknown') unknown.set(found, [...(unknown.get(found) ?? []), name])
  }
  return checks.flatMap((check) => {
    const names = check.verdict === 'unknown' ? (unknown.get(check.found) ?? []) : []
    if (names.length < 2) return [check]
    if (names[0] !== check.name) return []
    const why = check.found.replace(/^not checked: /, '')
    return [{ name: 'not checked', verdict: check.verdict, found: `${names.join(', ')}: ${why}` }]
  })
}

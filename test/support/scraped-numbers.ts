import { expect } from 'vitest'

/** Reads the numbers of a text in the format of Prometheus, by name without labels. */
export function scrapedNumbers(text: string): Record<string, number> {
  return Object.fromEntries(
    [...text.matchAll(/^(px_usage_\w+)(?:\{[^}]*\})? (\S+)/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  )
}

/** Expects the identities of docs/metrics.md in one scrape. */
export function expectIdentities(numbers: Readonly<Record<string, number>>): void {
  const value = (name: string) => numbers[`px_usage_${name}`] as number
  expect(value('calls_counted_total')).toBe(value('calls_in_memory') + value('calls_stored_total'))
  const ends = value('lines_delivered') + value('lines_pending')
  expect(value('lines_closed')).toBe(ends + value('lines_unconfirmed') + value('lines_rejected'))
}

import type { CustomEvent } from './custom-event.ts'

/** The newest are shown; all are in the sums. */
const shown = 200

/** A plain page: the sum of calls per event name and day, and the events received, newest first. */
export function eventsPage(events: readonly CustomEvent[]): string {
  const newest = events.slice(-shown).reverse()
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PX emulator</title>
<style>${style}</style>
</head>
<body>
<header><h1>PX emulator</h1><p>A local stand-in for Gainsight PX. It is not Query Builder.</p></header>
<main>
${events.length === 0 ? '<p>No event received yet. Events arrive when a usage day closes.</p>' : ''}
<h2>Sum per day</h2>
${table(['Event', 'Day', 'Events', 'Sum of apiCalls'], sumsPerDay(events))}
<h2>Events received, newest first${events.length > shown ? ` (${shown} of ${events.length})` : ''}</h2>
${table(
  ['Event', 'Date', 'User', 'Account', 'Attributes'],
  newest.map(({ eventName, date, identifyId, accountId, attributes }) => [
    eventName,
    new Date(date).toISOString(),
    identifyId,
    accountId ?? '',
    JSON.stringify(attributes),
  ]),
)}
</main>
</body>
</html>`
}

function sumsPerDay(events: readonly CustomEvent[]): string[][] {
  const sums = new Map<string, { row: [string, string]; events: number; calls: number }>()
  for (const { eventName, date, attributes } of events) {
    const day =
      typeof attributes.day === 'string' ? attributes.day : new Date(date).toISOString().slice(0, 10)
    const key = JSON.stringify([day, eventName])
    const sum = sums.get(key) ?? { row: [eventName, day], events: 0, calls: 0 }
    sums.set(key, sum)
    sum.events += 1
    if (typeof attributes.apiCalls === 'number') sum.calls += attributes.apiCalls
  }
  return [...sums.entries()]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([, sum]) => [...sum.row, String(sum.events), String(sum.calls)])
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${escaped(text)}</th>`).join('')
  const body = rows
    .map((row) => `<tr>${row.map((text) => `<td>${escaped(text)}</td>`).join('')}</tr>`)
    .join('\n')
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`
}

/** Whatever an event holds is text. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
header p { margin: .25rem 0 0; opacity: .7; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:last-child { overflow-wrap: anywhere; }
`

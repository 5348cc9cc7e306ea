import type { Output } from '../output.ts'
import { counted, formatCount, formatDuration, formatTime, oneLine } from '../terminal-text.ts'
import type { Status } from './read-status.ts'

/** Prints a status for people. */
export function printStatus(status: Status, output: Output, nowMs: number): void {
  const { number, name, place, today, timeZone } = status
  output.heading(`${number}. ${oneLine(name)}`)
  const facts: Array<[string, string]> = [
    ['Store', place],
    ['Usage day', `${today} (${timeZone})`],
    ['Sender', senderText(status)],
    ['Last reply', lastReplyText(status, nowMs)],
    ['Requests', requestsText(status)],
  ]
  output.facts(facts)
  output.line()
  printDays(status, output, nowMs)
  printOutbox(status, output)
  printAccounting(status, output, nowMs)
}

function senderText({ sender, processes }: Status): string {
  if (sender === undefined) return 'no process closes days and sends now'
  const { id, host, state } = sender
  const who = `process ${id.slice(0, 12)}${host === undefined ? '' : ` on ${oneLine(host)}`}`
  if (state === 'dead') return `none: ${who} has ended`
  const stopped = processes.find(({ hasEnded, delivery }) => !hasEnded && delivery.stopped !== undefined)
  const problem = stopped === undefined ? '' : `. Stopped: ${oneLine(stopped.delivery.stopped ?? '')}`
  return `${who}${state === 'unseen' ? ', which this host cannot see' : ''}${problem}`
}

function lastReplyText({ processes }: Status, nowMs: number): string {
  const replies = processes.flatMap(({ delivery: { lastReply } }) => lastReply ?? [])
  const last = replies.sort((a, b) => b.atMs - a.atMs)[0]
  if (last === undefined) return processes.length === 0 ? 'not known: no process wrote it' : 'none yet'
  const { outcome, atMs, reason } = last
  const why = reason === undefined ? '' : `: ${oneLine(reason).slice(0, 200)}`
  return `${outcome}, ${formatDuration(nowMs - atMs)} ago (${formatTime(atMs)})${why}`
}

function requestsText({ requests: { today, perDay } }: Status): string {
  const used = `${counted(today, 'request')} since midnight UTC`
  if (perDay === undefined) return used
  const share = (100 * today) / perDay
  return `${used}, ${share < 0.1 && today > 0 ? 'less than 0.1' : share.toFixed(1)} % of the ${formatCount(perDay)} a day`
}

function printDays({ days }: Status, output: Output, nowMs: number): void {
  if (days.length === 0) {
    output.line('No day has counts that are not closed.')
    output.line()
    return
  }
  output.heading('Days that are not closed')
  output.table({
    columns: ['Day', 'Calls', 'Series', 'Users', 'State'],
    rows: days.map(({ day, calls, series, users, waiting }) => [day, calls, series, users, waiting]),
  })
  const writers = days.flatMap(({ day, writers }) => writers.map((writer) => ({ day, ...writer })))
  if (writers.length > 0) {
    output.line()
    output.heading('Processes that count')
    output.table({
      columns: ['Day', 'Process', 'Host', 'State', 'Last write'],
      rows: writers.map(({ day, id, host, state, seenAtMs }) => [
        day,
        id.slice(0, 12),
        host,
        state,
        seenAtMs === undefined ? 'not known' : `${formatDuration(nowMs - seenAtMs)} ago`,
      ]),
    })
  }
  output.line()
}

function printOutbox({ outbox: { counts, days }, oldestWaiting }: Status, output: Output): void {
  output.heading('Outbox')
  const open = days.filter(({ pending, unconfirmed, rejected }) => pending + unconfirmed + rejected > 0)
  if (open.length > 0) {
    output.table({
      columns: ['Day', 'Pending', 'Unconfirmed', 'Rejected', 'Delivered'],
      rows: open.map(({ day, pending, unconfirmed, rejected, delivered }) => [
        ...[day, pending, unconfirmed, rejected],
        delivered,
      ]),
    })
  }
  const { closed, delivered, pending, unconfirmed, rejected } = counts
  output.line(`  ${counted(closed, 'line')} closed =`)
  output.line(
    `    ${formatCount(delivered)} delivered + ${formatCount(pending)} pending + ${formatCount(unconfirmed)} unconfirmed + ${formatCount(rejected)} rejected`,
  )
  if (oldestWaiting !== undefined) {
    output.line(
      `  The oldest that wait are of ${oldestWaiting.day}: ${counted(oldestWaiting.lines, 'line')}.`,
    )
  }
  output.line()
}

function printAccounting({ processes, accounting }: Status, output: Output, nowMs: number): void {
  if (processes.length === 0) return
  const running = processes.filter(({ hasEnded }) => !hasEnded)
  const ended = processes.length - running.length
  const newest = Math.max(...processes.map(({ atMs }) => atMs))
  output.heading('Calls, as the processes reported them')
  const { counted: calls, inMemory, stored, unattributed, afterClose, folded } = accounting
  output.line(
    `  ${formatCount(calls)} counted = ${formatCount(inMemory)} in memory + ${formatCount(stored)} stored`,
  )
  const lost = Object.entries({ ...unattributed, ...(afterClose > 0 ? { afterClose } : {}) })
  const reasons = lost.map(([reason, times]) => `${formatCount(times)} ${reason}`).join(', ')
  output.line(`  Not counted for a user: ${reasons === '' ? 'none' : reasons}`)
  if (folded > 0)
    output.line(`  Counted with less detail, because a limit was reached: ${formatCount(folded)}`)
  if (accounting.possibleDuplicates > 0)
    output.line(`  Events that PX may have twice: ${formatCount(accounting.possibleDuplicates)}`)
  output.line(
    `  From ${counted(running.length, 'running process')} and ${formatCount(ended)} ended; the last report is ${formatDuration(nowMs - newest)} old.`,
  )
  output.line()
}

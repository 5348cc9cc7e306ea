import type { MeterMetric, MeterStats } from './meter.ts'

interface Definition extends Omit<MeterMetric, 'value'> {
  read(stats: MeterStats): number
}

const ofProcess = 'of this process, since it started'
const ofStore = 'in the store, over restarts. Only the process that sends reports it; the others report 0'

/** All metrics. Their names, kinds, units and order are part of the public face; docs/metrics.md repeats them, and a test compares. */
const definitions: readonly Definition[] = [
  {
    name: 'px_usage.calls.counted',
    kind: 'counter',
    unit: '{call}',
    help: `Calls counted for a user, ${ofProcess}. Always calls.in_memory + calls.stored.`,
    read: ({ calls }) => calls.counted,
  },
  {
    name: 'px_usage.calls.in_memory',
    kind: 'gauge',
    unit: '{call}',
    help: 'Calls of this process that the store does not have yet.',
    read: ({ calls }) => calls.inMemory,
  },
  {
    name: 'px_usage.calls.stored',
    kind: 'counter',
    unit: '{call}',
    help: `Calls that the store has, ${ofProcess}.`,
    read: ({ calls }) => calls.stored,
  },
  {
    name: 'px_usage.calls.unattributed',
    kind: 'counter',
    unit: '{call}',
    help: `Calls without an identity, anonymous or because identify failed, ${ofProcess}.`,
    read: ({ calls }) => sum(calls.unattributed),
  },
  {
    name: 'px_usage.calls.folded',
    kind: 'counter',
    unit: '{call}',
    help: `Calls counted with less detail because a limit was reached, ${ofProcess}. A call that lost two details counts twice.`,
    read: ({ calls }) => sum(calls.folded),
  },
  {
    name: 'px_usage.delivery.accepted',
    kind: 'counter',
    unit: '{line}',
    help: `Lines sent and accepted, ${ofProcess}.`,
    read: ({ delivery }) => delivery.accepted,
  },
  {
    name: 'px_usage.lines.closed',
    kind: 'gauge',
    unit: '{line}',
    help: `Lines of closed days and of track() ${ofStore}. Always lines.delivered + lines.pending + lines.unconfirmed + lines.rejected.`,
    read: ({ lines }) => lines.closed,
  },
  {
    name: 'px_usage.lines.delivered',
    kind: 'gauge',
    unit: '{line}',
    help: `Delivered lines ${ofStore}.`,
    read: ({ lines }) => lines.delivered,
  },
  {
    name: 'px_usage.lines.pending',
    kind: 'gauge',
    unit: '{line}',
    help: `Lines that wait to be sent ${ofStore}.`,
    read: ({ lines }) => lines.pending,
  },
  {
    name: 'px_usage.lines.unconfirmed',
    kind: 'gauge',
    unit: '{line}',
    help: `Lines whose request started and whose outcome is unknown ${ofStore}.`,
    read: ({ lines }) => lines.unconfirmed,
  },
  {
    name: 'px_usage.lines.rejected',
    kind: 'gauge',
    unit: '{line}',
    help: `Lines that PX refused ${ofStore}.`,
    read: ({ lines }) => lines.rejected,
  },
  {
    name: 'px_usage.lines.longest_wait_seconds',
    kind: 'gauge',
    unit: 's',
    help: 'Longest time since the process that sends first tried a line that still waits. 0 without such a line, and in the other processes.',
    read: ({ delivery }) => (delivery.isSender ? delivery.longestWaitMs / 1_000 : 0),
  },
  {
    name: 'px_usage.lines.possible_duplicates',
    kind: 'gauge',
    unit: '{line}',
    help: `Lines that were resent although PX may have them ${ofStore}.`,
    read: ({ delivery }) => (delivery.isSender ? delivery.possibleDuplicates : 0),
  },
  {
    name: 'px_usage.delivery.requests_today',
    kind: 'gauge',
    unit: '{request}',
    help: 'Requests to PX since midnight UTC, of all processes. Only the process that sends reports it; the others report 0.',
    read: ({ delivery }) => (delivery.isSender ? delivery.requestsToday : 0),
  },
  {
    name: 'px_usage.delivery.stopped',
    kind: 'gauge',
    unit: '{process}',
    help: '1 while this process sends and PX refuses everything: the key, the address or every event. Otherwise 0.',
    read: ({ delivery }) => (delivery.isSender && delivery.stopped !== undefined ? 1 : 0),
  },
]

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/** Returns the metrics of a meter. */
export function metricsOf(stats: MeterStats): MeterMetric[] {
  return definitions.map(({ read, ...metric }) => ({ ...metric, value: read(stats) }))
}

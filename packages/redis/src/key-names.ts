import { outboxKeys } from './scripts/outbox-scripts.ts'

/** Keys are kept 7776000 seconds (90 days) after the last process that used them, so that an abandoned prefix disappears. */
export const keepSeconds = 7_776_000
/** Delivered lines, and what is needed to find them, are kept for 16416000 seconds (190 days): PX can be read for as long. */
export const keepSentSeconds = 16_416_000

/** The names of the keys of one part of the counts. */
export interface ShardKeys {
  readonly days: string
  readonly generations: string
  readonly instruments: string
  producer(id: string): string
  open(day: string): string
  sealed(day: string, generation: number): string
}

/** The names of the keys of one namespace. */
export interface KeyNames {
  readonly meta: string
  readonly alive: string
  readonly lead: string
  readonly closed: string
  readonly incoming: string
  readonly counts: string
  readonly notes: string
  readonly tasks: string
  readonly rejected: string
  /** Delivered lines that are not compressed yet. */
  readonly sent: string
  readonly sentIndex: string
  /** The keys of the scripts of the outbox, in their order. */
  readonly outbox: readonly string[]
  writers(day: string): string
  holder(journalId: string): string
  staged(day: string, token: string): string
  loading(day: string, revision: number): string
  /** The delivered lines of a day, compressed. */
  sentDay(day: string): string
  shard(index: number): ShardKeys
}

/** The key that lists the namespaces of a prefix. */
export function namespacesKey(prefix: string): string {
  return `${prefix}:namespaces`
}

/**
 * Creates the names of the keys of a namespace. The part in braces is what a Redis Cluster hashes, so all keys that a script
 * uses are on one node.
 */
export function createKeyNames(prefix: string, namespace: string): KeyNames {
  const at = (name: string) => `${prefix}:{${namespace}}:${name}`
  return {
    meta: at('meta'),
    alive: at('alive'),
    lead: at('lead'),
    closed: at('closed'),
    incoming: at('incoming'),
    counts: at('counts'),
    notes: at('notes'),
    tasks: at('tasks'),
    rejected: at('rejected'),
    sent: at('sent'),
    sentIndex: at('sent-index'),
    outbox: outboxKeys.map(at),
    writers: (day) => at(`writers:${day}`),
    holder: (journalId) => at(`holder:${journalId}`),
    staged: (day, token) => at(`staged:${day}:${token}`),
    loading: (day, revision) => at(`loading:${day}:${revision}`),
    sentDay: (day) => at(`sent:${day}`),
    shard(index) {
      // The first part is on the node of the outbox, so that its counts and the close of their day cannot be lost one without the other.
      const own = (name: string) => (index === 0 ? at(name) : `${prefix}:{${namespace}#${index}}:${name}`)
      return {
        days: own('days'),
        generations: own('generations'),
        instruments: own('instruments'),
        producer: (id) => own(`producer:${id}`),
        open: (day) => own(`open:${day}`),
        sealed: (day, generation) => own(`sealed:${day}:${generation}`),
      }
    },
  }
}

import { UsageError } from '@px-usage/core'
import { settlesWithin, systemClock } from '@px-usage/core/adapter'
import type { SendCommand } from './options.ts'
import type { Script } from './scripts/script.ts'

/** A reply of Redis that is not an error. */
export type Reply = string | number | null | Reply[]

/** How long a reply is awaited, 2000 ms (2 seconds). A command that was sent may still be executed later. */
export const replyTimeoutMs = 2_000
/** The delays before a command whose reply is missing is sent again. */
const retryDelaysMs = [20, 200]

/** Sends commands to Redis. Each of them may be executed twice, because a lost reply is followed by the same command. */
export interface Connection {
  /** Runs a script that changes nothing when it runs a second time. @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply>
  /** Sends a command that reads. @throws {UsageError} `PXU_ERR_STORE_UNAVAILABLE` */
  read(args: string[], key: string): Promise<Reply>
  /** From now on a command that failed is not sent again, so that a process can end although Redis hangs. */
  retryNoMore(): void
}

/** Creates a connection. @param onOutage called when Redis works again, with the time during which it did not, in ms */
export function createConnection(
  sendCommand: SendCommand,
  { elapsed, onOutage }: { elapsed(): number; onOutage(durationMs: number): void },
): Connection {
  let failingSinceMs: number | undefined

  function succeeded(): void {
    if (failingSinceMs === undefined) return
    const durationMs = elapsed() - failingSinceMs
    failingSinceMs = undefined
    onOutage(durationMs)
  }

  async function send(args: string[], key: string): Promise<Reply> {
    // A client may throw at once, and one that waits for its connection may never settle.
    const sending = (async () => sendCommand(args, key))()
    const isInTime = await settlesWithin(systemClock, sending, { timeoutMs: replyTimeoutMs, keepAlive: true })
    if (!isInTime) {
      sending.catch(() => {})
      throw new Error(`Redis did not reply within ${replyTimeoutMs} ms.`)
    }
    return textOf(await sending)
  }

  let mayRetry = true

  async function retrying(task: () => Promise<Reply>): Promise<Reply> {
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await task()
        succeeded()
        return reply
      } catch (error) {
        failingSinceMs ??= elapsed()
        const delayMs = mayRetry ? retryDelaysMs[attempt] : undefined
        if (delayMs === undefined) throw unavailable(error)
        await new Promise<void>((resolve) => systemClock.setTimer(resolve, delayMs, true))
      }
    }
  }

  return {
    run(script, keys, args) {
      const rest = [String(keys.length), ...keys, ...args.map(String)]
      const key = keys[0] as string
      return retrying(async () => {
        try {
          return await send(['EVALSHA', script.sha1, ...rest], key)
        } catch (error) {
          if (!/NOSCRIPT/.test(messageOf(error))) throw error
          return await send(['EVAL', script.text, ...rest], key)
        }
      })
    },
    read: (args, key) => retrying(() => send(args, key)),
    retryNoMore() {
      mayRetry = false
    },
  }
}

function unavailable(cause: unknown): UsageError {
  const reason = messageOf(cause)
  const hint = hints.find(([pattern]) => pattern.test(reason))?.[1] ?? ''
  return new UsageError(
    'PXU_ERR_STORE_UNAVAILABLE',
    `Redis failed: ${reason.replace(/[.\s]+$/, '')}. px-usage will retry.${hint}`,
    { cause },
  )
}

/** What to do about an error reply of Redis. */
const hints: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^(MOVED|ASK|CROSSSLOT)\b/,
    ' This is a Redis Cluster: use the cluster client, and pass it the `key` that `sendCommand` is given.',
  ],
  [/^NOPERM\b/, ' The user of Redis needs the commands that the README of @px-usage/redis lists.'],
  [/^OOM\b/, ' Give Redis more memory.'],
]

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Returns a reply with text in place of buffers, which some clients return. */
function textOf(reply: unknown): Reply {
  if (Array.isArray(reply)) return reply.map(textOf)
  if (Buffer.isBuffer(reply)) return reply.toString()
  if (typeof reply === 'bigint') return Number(reply)
  return (reply ?? null) as Reply
}

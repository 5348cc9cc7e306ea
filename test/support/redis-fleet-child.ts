import { redisStore } from '@px-usage/redis'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import type { Claim, Settlement } from '../../packages/core/src/model/outbox-line.ts'
import type { Store } from '../../packages/core/src/model/store.ts'
import { batches, day, oneLinePerUserOnce } from './count-batch.ts'
import { fastClock } from './fast-clock.ts'
import { connectClient } from './redis-clients.ts'

/** How much faster than the system the clock of the processes of a test runs: a claim of 5 minutes takes 5 seconds. */
const speed = 60

export interface FleetProcess {
  readonly redisPort: number
  readonly pxUrl: string
  readonly realStartMs: number
}

/** Opens the store of one process of a fleet. */
export async function openFleetProcess({ redisPort, realStartMs }: FleetProcess): Promise<Store> {
  const client = await connectClient('ioredis', { port: redisPort })
  const store = redisStore({ sendCommand: (args, key) => client.sendCommand(args, key), shards: 2 })
  const clock = fastClock(Date.parse('2026-11-23T10:00:00Z'), realStartMs, speed)
  await store.open({ clock, diagnostics: createDiagnostics(() => {}), timeZone: 'UTC' })
  return store
}

/** Closes the days and sends what is due, as a meter does it. @returns whether lines were claimed */
export async function closeAndSend(store: Store, { pxUrl }: FleetProcess): Promise<boolean> {
  for (const open of await store.openDays())
    await store.closeDay(open, oneLinePerUserOnce(open), { force: true })
  const { lines } = await store.claim(40)
  if (lines.length === 0) return false
  const settlements = await Promise.all(lines.filter(({ state }) => state === 'unconfirmed').map(lookUp))
  const pending = lines.filter(({ state }) => state === 'pending')
  await store.markAttempts(
    pending.map(({ id }) => id),
    Date.now(),
  )
  settlements.push(...(await Promise.all(pending.map(post))))
  await store.settle(settlements)
  return true

  async function lookUp({ id }: Claim['lines'][number]): Promise<Settlement> {
    const response = await fetch(`${pxUrl}/${encodeURIComponent(id)}`).catch(() => undefined)
    if (response === undefined) return { id, state: 'unconfirmed', waitMs: 10_000 }
    return response.status === 200 ? { id, state: 'delivered' } : { id, state: 'pending', waitMs: 0 }
  }

  async function post({ id, calls }: Claim['lines'][number]): Promise<Settlement> {
    try {
      const response = await fetch(`${pxUrl}/${encodeURIComponent(id)}`, {
        method: 'POST',
        body: String(calls),
      })
      if (response.status === 201) return { id, state: 'delivered' }
    } catch {
      // PX may have it.
    }
    return { id, state: 'unconfirmed', waitMs: 10_000 }
  }
}

async function run(settings: FleetProcess, name: string): Promise<void> {
  const store = await openFleetProcess(settings)
  const batch = batches()
  const days = [day, '2026-11-24']
  const sending = async () => {
    for (;;) {
      const isBusy = await closeAndSend(store, settings).catch(() => false)
      if (!isBusy) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  void sending()
  for (let count = 0; ; count++) {
    const user = `${name}-${count}`
    const next = batch({ [user]: 1, ada: 1 }, days[count % 2])
    process.stdout.write(`try ${user}\n`)
    for (let isAdded = false; !isAdded; ) {
      isAdded = await (async () => store.add(next))().then(
        () => true,
        () => false,
      )
    }
    process.stdout.write(`added ${user}\n`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const [settings, name] = process.argv.slice(2)
if (process.send === undefined && settings !== undefined && name !== undefined) {
  void run(JSON.parse(settings) as FleetProcess, name)
}

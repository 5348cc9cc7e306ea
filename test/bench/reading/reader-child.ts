import { lowerPriority } from '../../../packages/cli/src/low-priority.ts'
import { runCli } from '../../support/run-cli.ts'

/**
 * Runs `px-usage status` and `preview` one after the other from the message `read` to the message `stop`, and checks each reading. From the
 * message `compute` on it takes the same processor time, and reads nothing.
 */
const place = process.argv.slice(2)
lowerPriority()
let isRunning = false
let readings = 0
let wrong = 0

async function read(): Promise<void> {
  const [status] = JSON.parse((await runCli(['status', '--json', ...place])).out)
  const { closed, delivered, pending, unconfirmed, rejected } = status.outbox.counts
  const { counted, stored, inMemory } = status.accounting
  const previews = JSON.parse((await runCli(['preview', '--json', ...place])).out)
  const sums = previews.map(({ byName }: { byName: { apiCalls: number }[] }) =>
    byName.map((one) => one.apiCalls),
  )
  const addsUp =
    closed === delivered + pending + unconfirmed + rejected &&
    counted === stored + inMemory &&
    sums.every(([first, ...others]: number[]) => others.every((sum) => sum === first))
  readings += 1
  if (!addsUp) wrong += 1
}

function compute(): void {
  for (const endMs = performance.now() + 20; performance.now() < endMs; );
}

process.on('message', async (message) => {
  isRunning = message !== 'stop'
  if (!isRunning) return
  readings = 0
  while (isRunning) {
    if (message === 'read') await read()
    else compute()
    await new Promise((resolve) => setImmediate(resolve))
  }
  process.send?.({ readings, wrong })
})
process.on('disconnect', () => process.exit())
process.send?.('ready')

import { lowerPriority } from '../../../packages/cli/src/low-priority.ts'
import { runCli } from '../../support/run-cli.ts'

/** Runs `px-usage status` and `preview` one after the other from the message `go` to the message `stop`, and checks each reading. */
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

process.on('message', async (message) => {
  isRunning = message === 'go'
  if (!isRunning) return
  readings = 0
  while (isRunning) {
    await read()
    await new Promise((resolve) => setImmediate(resolve))
  }
  process.send?.({ readings, wrong })
})
process.on('disconnect', () => process.exit())
process.send?.('ready')

import { rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeLogOfUsers, routes } from './make-log.ts'
import { isBuilt, overTime, runBackfill } from './run-program.ts'

/**
 * Shows that the memory of `px-usage backfill` does not depend on the number of events. Run with `npm run bench:backfill-memory`. Each user
 * calls each endpoint once a day, so that a log has hardly more lines than events. `EVENTS` sets the sizes.
 */
const sizes = (process.env.EVENTS ?? '100000,500000,2000000').split(',').map(Number)
const dir = await mkdtemp(join(tmpdir(), 'px-usage-bench-'))

try {
  console.log(`Node ${process.version}; px-usage ${isBuilt ? 'as built' : 'from its source'}.\n`)
  console.log(
    '| events | log | time | peak memory | MB at 10, 25, 50, 75, 95 % of the time |\n|---:|---:|---:|---:|---|',
  )
  writeFileSync(join(dir, 'routes.txt'), `${routes.join('\n')}\n`)
  for (const size of sizes) {
    const log = join(dir, 'access.log')
    const { bytes } = await makeLogOfUsers(log, size)
    const store = join(dir, `store-${size}`)
    const one = await runBackfill(dir, ['--routes', 'routes.txt', '--yes', '--json', '--dir', store, log])
    const { events, isQueued } = JSON.parse(one.out) as { events: number; isQueued: boolean }
    if (!isQueued) throw new Error('The events were not queued.')
    const row = [events.toLocaleString('en'), `${Math.round(bytes / 1e6)} MB`, `${one.seconds.toFixed(1)} s`]
    console.log(`| ${[...row, `${one.peakMb} MB`, overTime(one)].join(' | ')} |`)
    rmSync(store, { recursive: true, force: true })
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}

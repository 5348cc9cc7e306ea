import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { days, makeLog, routes } from './make-log.ts'
import { isBuilt, overTime, type Run, runBackfill, runProgram } from './run-program.ts'

/**
 * Compares `px-usage backfill` of a large log with `wc -l`, awk and GoAccess in one run: lines per second, memory over time, and the totals
 * with those of awk. Run with `npm run bench:backfill`. `GB` sets the sizes, such as `GB=0.2,5`, and
 * `GOACCESS_SECONDS` the time after which GoAccess is ended.
 */
const sizesGb = (process.env.GB ?? '0.2,5').split(',').map(Number)
/** GoAccess is ended after this time, because it takes longer with each line. */
const goAccessSeconds = Number(process.env.GOACCESS_SECONDS ?? 3_600)
/** What must stay free on the disk. */
const sparedBytes = 7e9

const dir = await mkdtemp(join(tmpdir(), 'px-usage-bench-'))
const log = join(dir, 'access.log')

/** Counts the calls of a user and day, and of an endpoint, as the backfill should: independently of all code of px-usage. */
const awkProgram = `
BEGIN { FS = "\\"" }
NF >= 4 && $1 ~ /\\[[0-9]+\\/[A-Z][a-z]+\\/[0-9]+:/ {
  split($1, head, " "); user = head[3]
  if (user == "-") { anonymous++; next }
  split($2, request, " "); path = request[2]; sub(/\\?.*/, "", path); gsub(/[0-9][0-9]*/, "#", path)
  sub(/\\/v#/, "/v1", path); if (path == "/wp-login.php") path = "unmatched"
  day = substr(head[4], 2, 11); total[day]++; calls++
  if (!((day, user) in users)) { users[day, user] = 1; events++ }
  if (!((day, user, request[1], path) in ends)) { ends[day, user, request[1], path] = 1; events++ }
}
END {
  for (day in total) print "day", day, total[day]
  print "calls", calls; print "anonymous", anonymous; print "events", events
}`

function backfill(store: string): Promise<Run> {
  return runBackfill(dir, ['--routes', 'routes.txt', '--yes', '--json', '--dir', store, log])
}

function equal(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: px-usage has ${a}, awk has ${b}.`)
  console.log(`${what}: equal (${b.length > 60 ? `${b.slice(0, 60)}...` : b})`)
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
function dayOf(text: string): string {
  const [day, month = '', year] = text.split('/')
  return `${year}-${String(months.indexOf(month) + 1).padStart(2, '0')}-${day}`
}

async function measure(gb: number): Promise<void> {
  const { lines, bytes } = await makeLog(log, gb * 1e9)
  writeFileSync(join(dir, 'routes.txt'), `${routes.join('\n')}\n`)
  console.log(`\n## ${(bytes / 1e9).toFixed(2)} GB, ${lines + 1} lines, ${days} days\n`)
  console.log('| | time | lines/s | peak memory | MB at 10, 25, 50, 75, 95 % |\n|---|---:|---:|---:|---|')
  const show = (name: string, one: Run) => {
    const rate = Math.round((lines * one.readShare) / one.seconds).toLocaleString('en')
    console.log(`| ${name} | ${one.seconds.toFixed(1)} s | ${rate} | ${one.peakMb} MB | ${overTime(one)} |`)
  }
  show('`wc -l`', await runProgram(dir, 'wc', ['-l', log]))
  const store = join(dir, `store-${gb}`)
  const queued = await backfill(store)
  show('`px-usage backfill`', queued)
  const again = await backfill(store)
  const awk = await runProgram(dir, 'awk', [awkProgram, log], { env: { LC_ALL: 'C' } })
  show(`awk (${awkName()})`, awk)
  if (hasCommand('goaccess')) {
    const html = join(dir, 'report.json')
    const args = [log, '--log-format=COMBINED', '-o', html, '--no-progress']
    const one = await runProgram(dir, 'goaccess', args, { limit: { seconds: goAccessSeconds, log } })
    const part = Math.round(one.readShare * 100)
    show(part === 100 ? 'GoAccess' : `GoAccess, ended after ${part} % of the log`, one)
  } else console.log('\nGoAccess is not installed, so it is left out.')
  console.log()
  const { lines: of, days: found, events } = JSON.parse(queued.out)
  const counts = awk.out
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  const number = (name: string) => Number(counts.find(([first]) => first === name)?.at(-1))
  const perDay = counts
    .filter(([first]) => first === 'day')
    .map(([, day = '', calls]) => [dayOf(day), Number(calls)])
  equal('lines', of.lines, lines + 1)
  equal(
    'calls of each day',
    found.map((one: { day: string; calls: number }) => [one.day, one.calls]),
    perDay.sort(),
  )
  equal('calls', of.counted, number('calls'))
  equal('calls without a user', of.withoutIdentity.anonymous, number('anonymous'))
  equal('events', events, number('events'))
  equal('torn lines', of.junk.torn, 1)
  console.log(`junk lines: ${of.junk.layout}`)
  const second = JSON.parse(again.out)
  if (second.events !== 0 || second.isQueued !== false) throw new Error('The same log twice queued events.')
  console.log('the same log again: 0 events queued')
}

function hasCommand(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, name)))
}

function awkName(): string {
  return execFileSync('readlink', ['-f', '/usr/bin/awk'], { encoding: 'utf8' }).trim().replace(/.*\//, '')
}

try {
  console.log(`Node ${process.version}; px-usage ${isBuilt ? 'as built' : 'from its source'}.`)
  for (const gb of sizesGb) {
    const { bavail, bsize } = statfsSync(dir)
    const fits = Math.min(gb, (bavail * bsize - sparedBytes) / 1e9)
    if (fits < gb) console.log(`The disk has room for ${fits.toFixed(1)} GB instead of ${gb} GB.`)
    await measure(fits)
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}

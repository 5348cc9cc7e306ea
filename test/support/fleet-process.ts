import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface FleetProcessSettings {
  readonly redisPort: number
  readonly pxUrl: string
  readonly apiKey: string
  readonly productKey: string
  /** Number of users, of which each step of a process counts some. */
  readonly users: number
  /** The folder of `redisStore()`; without it, counts wait in memory. */
  readonly dir?: string | undefined
  readonly clock: { readonly startMs: number; readonly realStartMs: number; readonly speed: number }
}

/** A number of calls that is known up to those that were on their way when a process was killed. */
interface Range {
  least: number
  most: number
}

type Step = { error: string } | { day: string; calls: Record<string, number>; leads: boolean } | LaterStep
type LaterStep = { orDay: string } | { stored: true } | { ready: true }

export interface FleetProcess {
  /** Resolves once the process has read its code. */
  readonly ready: Promise<void>
  /** Lets it count, close and send. */
  begin(settings: FleetProcessSettings): void
  /** Resolves once Redis has calls of the process. */
  readonly works: Promise<void>
  /** Whether the process closes days and sends, by its own last word. */
  leads(): boolean
  /** Ends the process and resolves when it has ended. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Stops it for a while, as a paused container is. */
  pause(ms: number): void
}

/** Processes of a fleet, each with a meter of its own, and the truth about what they counted. */
export interface FleetOfProcesses {
  readonly errors: string[]
  /** Starts a process, which waits for `begin()`. */
  start(): FleetProcess
  /** Calls per user and day. */
  truth(): ReadonlyMap<string, Readonly<Range>>
  /** Kills all that still run. */
  killAll(): Promise<void>
}

export function fleetOfProcesses(): FleetOfProcesses {
  const ranges = new Map<string, Range>()
  const living = new Set<FleetProcess>()
  const errors: string[] = []

  function gain(calls: Record<string, number>, day: string, { least, most }: Range): void {
    for (const [user, times] of Object.entries(calls)) {
      const key = `${day} ${user}`
      const range = ranges.get(key) ?? { least: 0, most: 0 }
      ranges.set(key, { least: range.least + least * times, most: range.most + most * times })
    }
  }

  return {
    errors,
    start() {
      const child = spawn(
        process.execPath,
        [
          ...['--no-warnings', '--conditions=@px-usage/source', '--import', 'tsx'],
          join(import.meta.dirname, 'fleet-process-child.ts'),
        ],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      )
      const ended = once(child, 'close')
      let isEnding = false
      let leads = false
      let open: { day: string; calls: Record<string, number> } | undefined
      const ready = latch()
      const works = latch()
      child.stdin.on('error', () => {})
      child.once('exit', () => {
        if (isEnding) return
        for (const one of [ready, works]) one.fail(new Error('A process of the fleet ended by itself.'))
      })

      function learn(step: Step): void {
        if ('error' in step) {
          errors.push(step.error)
        } else if ('calls' in step) {
          open = step
          leads = step.leads
          gain(step.calls, step.day, { least: 0, most: 1 })
        } else if ('ready' in step) {
          ready.open()
        } else if (open !== undefined && 'orDay' in step) {
          gain(open.calls, step.orDay, { least: 0, most: 1 })
          open = undefined
        } else if (open !== undefined) {
          gain(open.calls, open.day, { least: 1, most: 0 })
          works.open()
        }
      }

      createInterface({ input: child.stdout }).on('line', (line) => {
        // A process that is killed may leave half a line.
        if (line.endsWith('}')) learn(JSON.parse(line) as Step)
      })

      const started: FleetProcess = {
        ready: ready.opened,
        begin: (settings) => void child.stdin.write(`${JSON.stringify(settings)}\n`),
        works: works.opened,
        leads: () => leads,
        async end(signal) {
          isEnding = true
          child.kill('SIGCONT')
          child.kill(signal)
          await ended
          living.delete(started)
        },
        pause(ms) {
          child.kill('SIGSTOP')
          setTimeout(() => child.kill('SIGCONT'), ms)
        },
      }
      living.add(started)
      return started
    },
    truth: () => ranges,
    async killAll() {
      await Promise.all([...living].map((one) => one.end('SIGKILL')))
    },
  }
}

function latch() {
  let open = () => {}
  let fail = (_error: Error) => {}
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  opened.catch(() => {})
  return { opened, open, fail }
}

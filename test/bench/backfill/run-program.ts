import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { join } from 'node:path'

const packageDir = join(import.meta.dirname, '../../../packages/cli')
export const isBuilt = existsSync(join(packageDir, 'dist'))

export interface Run {
  readonly seconds: number
  readonly out: string
  /** Resident memory, ten times a second. */
  readonly rssMb: readonly number[]
  readonly peakMb: number
  /** How much of the log it has read; 1 unless it was ended before. */
  readonly readShare: number
}

interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  /** The program is ended after this many seconds. How much of this file it has read by then is part of the result. */
  readonly limit?: { readonly seconds: number; readonly log: string }
}

/** Runs a program in a folder, with its memory. @throws if it fails */
export async function runProgram(
  dir: string,
  command: string,
  args: readonly string[],
  { env = {}, limit }: RunOptions = {},
): Promise<Run> {
  const out = join(dir, 'out')
  const outFile = openSync(out, 'w')
  const startMs = performance.now()
  const child = spawn(command, args, {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', outFile, 'inherit'],
  })
  closeSync(outFile)
  const rssMb: number[] = []
  let peakMb = 0
  const timer = setInterval(() => {
    samePriority(child)
    const [rss, peak] = memoryOf(child)
    if (rss > 0) rssMb.push(rss)
    peakMb = Math.max(peakMb, peak)
    if (limit === undefined || performance.now() - startMs < limit.seconds * 1_000) return
    readShare ??= shareOf(child, limit.log)
    child.kill('SIGKILL')
  }, 100)
  let readShare: number | undefined
  const [code] = (await once(child, 'close')) as [number]
  clearInterval(timer)
  if (code !== 0 && readShare === undefined) throw new Error(`${command} ended with exit code ${code}.`)
  const seconds = (performance.now() - startMs) / 1_000
  return { seconds, out: readFileSync(out, 'utf8'), rssMb, peakMb, readShare: readShare ?? 1 }
}

/** Returns how much of a file a program has read, by the position of its descriptor. */
function shareOf({ pid }: ChildProcess, path: string): number {
  const folder = `/proc/${pid}`
  const file = readdirSync(`${folder}/fd`).find((one) => readlinkSync(`${folder}/fd/${one}`) === path)
  const info = file === undefined ? '' : readFileSync(`${folder}/fdinfo/${file}`, 'utf8')
  return Number(/^pos:\s+(\d+)/m.exec(info)?.[1] ?? 0) / statSync(path).size
}

/** px-usage lowers its priority, which would make the comparison unfair on a machine that is busy. Only root may raise it again. */
function samePriority({ pid = 0 }: ChildProcess): void {
  try {
    if (getPriority(pid) !== getPriority()) setPriority(pid, getPriority())
  } catch {}
}

function memoryOf({ pid }: ChildProcess): [rssMb: number, peakMb: number] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1_024
    return [Math.round(mb('VmRSS')), Math.round(mb('VmHWM'))]
  } catch {
    return [0, 0]
  }
}

/** Returns the resident memory at parts of the run, in order. */
export function overTime({ rssMb }: Run): string {
  const at = (part: number) => rssMb[Math.min(rssMb.length - 1, Math.floor(rssMb.length * part))]
  return [0.1, 0.25, 0.5, 0.75, 0.95].map(at).join(' ')
}

/** Runs `px-usage backfill` in a folder, as built if it is built. */
export function runBackfill(dir: string, args: readonly string[]): Promise<Run> {
  const program = isBuilt
    ? [join(packageDir, 'bin/px-usage.mjs')]
    : [
        '--conditions=@px-usage/source',
        '--import',
        import.meta.resolve('tsx'),
        join(packageDir, 'src/cli.ts'),
      ]
  const env = { PX_PRODUCT_KEY: 'AP-BENCH-2', PX_TIME_ZONE: 'UTC' }
  return runProgram(dir, process.execPath, [...program, 'backfill', '--new-namespace', ...args], { env })
}

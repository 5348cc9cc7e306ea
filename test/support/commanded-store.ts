import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A process of its own that runs commands on a store (see commanded-store-child.ts). */
export interface CommandedStore {
  readonly process: ChildProcess
  /** As the process itself sees it. */
  readonly pid: number
  /** Its reply; `undefined` if it died first. */
  do(command: string): Promise<string | undefined>
  kill(signal: NodeJS.Signals): Promise<void>
}

const child = [
  '--conditions=@px-usage/source',
  '--import',
  'tsx',
  join(import.meta.dirname, 'commanded-store-child.ts'),
]

/** @param options.inNamespace where it is the process 1, as in a container @param options.killAt dies at that change of the disk */
export async function startStore(
  dir: string,
  { killAt, inNamespace = false }: { killAt?: number; inNamespace?: boolean } = {},
): Promise<CommandedStore | undefined> {
  const args = [...child, dir, ...(killAt === undefined ? [] : [String(killAt)])]
  const started = inNamespace
    ? spawn('/usr/bin/unshare', [...namespace, process.execPath, ...args], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
    : spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  started.stdin?.on('error', () => {})
  const lines = createInterface({ input: started.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const answer = async () => (await lines.next()).value as string | undefined
  const ready = await answer()
  if (ready === undefined) return undefined
  return {
    process: started,
    pid: Number(ready.split(' ')[1]),
    async do(command) {
      started.stdin?.write(`${command}\n`)
      return (await answer())?.slice(command.split(' ')[0]?.length).trim()
    },
    async kill(signal) {
      const ended = once(started, 'exit')
      started.kill(signal)
      await ended
    },
  }
}

const namespace = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child']

/** Whether this machine lets a process be the first of its own namespace. */
export async function canBeFirst(): Promise<boolean> {
  const tried = spawn('/usr/bin/unshare', [...namespace, 'true'], { stdio: 'ignore' })
  return new Promise((resolve) => {
    tried.once('error', () => resolve(false))
    tried.once('exit', (code) => resolve(code === 0))
  })
}

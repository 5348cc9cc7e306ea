import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Emulator } from 'px-emulator'

const root = join(import.meta.dirname, '../..')

interface QuickStartApp {
  readonly url: string
  /** Interrupts the app as Ctrl-C does. Resolves to what it printed to stderr. */
  interrupt(): Promise<string>
}

/**
 * Starts an app of the quick start as its reader does: a process with the keys of an emulator in its environment.
 *
 * @param shiftMs moves the clock of the process, so that one app fills many days of a chart
 */
export async function startQuickStart(
  name: string,
  { px, shiftMs = 0 }: { px: Emulator; shiftMs?: number },
): Promise<QuickStartApp> {
  const port = await freePort()
  const clock = `const now = Date.now; Date.now = () => now() + ${shiftMs}`
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=@px-usage/source', '--import', `data:text/javascript,${encodeURIComponent(clock)}`],
      ...['--import', 'tsx', join(root, `test/docs/snippets/${name}.ts`)],
    ],
    {
      cwd: join(root, 'test'),
      env: {
        ...process.env,
        PORT: String(port),
        PX_BASE_URL: px.url,
        PX_API_KEY: px.apiKey,
        PX_PRODUCT_KEY: px.productKey,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let printed = ''
  child.stderr.on('data', (chunk) => {
    printed += chunk
  })
  const ended = once(child, 'close')
  const url = `http://127.0.0.1:${port}`
  await listening(url, child, () => printed)
  return {
    url,
    async interrupt() {
      child.kill('SIGINT')
      await ended
      return printed
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until the app accepts connections. An OPTIONS request is not counted. */
async function listening(url: string, child: ChildProcess, printed: () => string): Promise<void> {
  for (;;) {
    const response = await fetch(url, { method: 'OPTIONS' }).catch(() => undefined)
    if (response !== undefined) return
    if (child.exitCode !== null) throw new Error(`The app ended: ${printed()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

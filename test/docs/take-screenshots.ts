import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { startEmulator } from 'px-emulator'
import { callsOfDay } from '../../examples/demo/habits.ts'
import { chromiumFlags, findChromium } from '../support/chromium.ts'
import { startQuickStart } from '../support/quick-start-app.ts'

// `npm run screenshots` takes the pictures of the pages again: that of the demo, and that of the twelve lines of the quick start.
// `npm run screenshots demo` takes the first one only.

const root = join(import.meta.dirname, '../..')
const dayMs = 86_400_000
/** Noon of Sunday, 1 November 2026. */
const firstNoonMs = Date.UTC(2026, 10, 1, 12)

const executablePath = findChromium()
if (executablePath === undefined) process.exit(1)
const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] })
await takeDemo(browser)
if (process.argv[2] !== 'demo') await takeTwelveLines(browser)
await browser.close()

async function take(browser: Browser, url: string, path: string) {
  const page = await browser.newPage({
    viewport: { width: 1_280, height: 800 },
    timezoneId: 'UTC',
    colorScheme: 'light',
  })
  await page.goto(url)
  await page.getByRole('heading', { name: 'Top accounts' }).waitFor()
  await mkdir(join(root, dirname(path)), { recursive: true })
  await page.screenshot({ path: join(root, path), fullPage: true })
  await page.close()
  console.log(path)
}

/** The demo as `npm start` shows it after its first day. */
async function takeDemo(browser: Browser): Promise<void> {
  const demo = spawn(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'examples/demo/start.ts'],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  await new Promise<void>((resolve) => {
    demo.stdout.on('data', (chunk) => {
      output += chunk
      if (output.includes(' closed: ')) resolve()
    })
  })
  const [url = ''] = output.match(/http:\S+by=accountId\S*/) ?? []
  await take(browser, url, 'packages/px-emulator/report-page.png')
  demo.kill('SIGINT')
  if (demo.exitCode === null) await once(demo, 'exit')
}

/** The twelve lines, started once for each day of a month with the clock of that day, and called by users of five accounts. */
async function takeTwelveLines(browser: Browser): Promise<void> {
  const px = await startEmulator({ port: 0 })
  for (let day = 0; day < 30; day += 1) {
    const shiftMs = firstNoonMs + day * dayMs - Date.now()
    const app = await startQuickStart('quick-start-express', { px, shiftMs })
    const weekday = new Date(firstNoonMs + day * dayMs).getUTCDay()
    for (const { user } of callsOfDay(day, weekday, 300)) {
      const headers = { 'x-user': user.userId, 'x-account': user.accountId }
      await (await fetch(`${app.url}/v1/orders/${user.number}`, { headers })).text()
    }
    const printed = await app.interrupt()
    if (printed !== '') throw new Error(printed)
  }
  await take(browser, `${px.url}/?by=accountId&days=30`, 'docs/images/twelve-lines.png')
  await px.close()
}

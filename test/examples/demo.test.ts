import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from 'px-emulator'
import { expect, it, vi } from 'vitest'

const root = join(import.meta.dirname, '../..')

it('the demo has 30 past days, adds a day when it closes, and leaves no folder', async () => {
  const demo = spawn(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'examples/demo/start.ts'],
    { cwd: root, env: { ...process.env, DEMO_DAY_MS: '2000' } },
  )
  let output = ''
  demo.stdout.on('data', (chunk) => (output += chunk))
  demo.stderr.on('data', (chunk) => (output += chunk))
  const exited = once(demo, 'exit')
  try {
    const closedDays = () => output.match(/closed: \d+ events sent, \d+ calls/g)?.length
    await vi.waitFor(() => expect(closedDays()).toBeGreaterThan(1), { timeout: 60_000, interval: 100 })
    const [, url] = output.match(/Report page +(http:\/\/127\.0\.0\.1:\d+)\/\?by=accountId/) ?? []
    const query = 'eventName=dailyApiCalls&property=apiCalls&by=accountId'
    const report = (await (await fetch(`${url}/_px-emulator/report?${query}`)).json()) as Report
    expect(report.periods.length).toBeGreaterThan(31)
    const weekOf = (account: string, week: number) =>
      sum(report.series.find(({ name }) => name === account)?.values.slice(week * 7, week * 7 + 7) ?? [])
    expect(weekOf('globex', 3)).toBeGreaterThan(weekOf('globex', 0) * 2)
    expect(weekOf('initech', 3)).toBeLessThan(weekOf('initech', 0) / 2)
    const callsOn = (weekdays: readonly number[]) => {
      const days = report.periods.flatMap((day, at) =>
        weekdays.includes(new Date(day).getUTCDay()) ? at : [],
      )
      return sum(report.series.flatMap(({ values }) => days.map((at) => values[at] ?? 0))) / days.length
    }
    expect(callsOn([0, 6])).toBeLessThan(callsOn([1, 2, 3, 4, 5]) / 2)
    const [, folder] = output.match(/Store folder +(\S+)/) ?? []
    expect(existsSync(folder ?? '')).toBe(true)
    demo.kill('SIGINT')
    const [code] = await exited
    expect(output).toMatch(/Stopped\. \d+ calls of the unfinished day were not sent\./)
    expect([code, existsSync(folder ?? '')]).toEqual([0, false])
  } finally {
    demo.kill('SIGKILL')
  }
})

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, each) => total + (each ?? 0), 0)
}

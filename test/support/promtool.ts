import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { InputSeries } from './recorded-scrapes.ts'

export const rulesFile = join(import.meta.dirname, '../../packages/core/monitoring/alerts.yml')

/** Returns whether promtool is installed (Debian's package `prometheus`); if not, it says loudly that its tests are skipped. */
export function hasPromtool(): boolean {
  if (spawnSync('promtool', ['--version']).status === 0) return true
  console.warn('SKIPPED: promtool is missing. Install the package prometheus to check the alert rules.')
  return false
}

/** One run of all rules over recorded series. */
export interface RuleTest {
  name: string
  series: InputSeries[]
  /** What fires within the time before an evaluation, both in minutes: `within` 60 is the last hour. */
  checks: { atMinute: number; within: number; alerts: string[] }[]
}

const run = promisify(execFile)

/** Runs promtool. @throws with its report if it fails */
export async function promtool(...args: string[]): Promise<string> {
  try {
    const { stdout } = await run('promtool', args, { maxBuffer: 1 << 24 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`promtool: ${stdout}${stderr}`, { cause: error })
  }
}

/** Runs promtool with a file, which is given as an object because YAML includes JSON. */
async function withFile(content: object, ...args: string[]): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'px-usage-promtool-'))
  try {
    const file = join(dir, 'content.yml')
    await writeFile(file, JSON.stringify(content))
    await promtool(...args, file)
  } finally {
    await rm(dir, { recursive: true })
  }
}

const interval = '5m'

/** Runs all rules over recorded series. @throws if an alert fires that is not expected, or the other way round */
export async function testRules({ name, series, checks }: RuleTest): Promise<void> {
  const queries = checks.map(({ atMinute, within, alerts }) => ({
    expr: `group by (alertname) (max_over_time(ALERTS{alertstate="firing"}[${within}m]))`,
    eval_time: `${atMinute}m`,
    exp_samples: alerts.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
  }))
  const test = { name, interval, input_series: series, promql_expr_test: queries }
  await withFile({ rule_files: [rulesFile], evaluation_interval: interval, tests: [test] }, 'test', 'rules')
}

/** Checks the syntax of queries of a dashboard, whose variable `$job` may be any text. */
export async function checkQueries(queries: readonly string[]): Promise<void> {
  const rules = queries.map((expr, at) => ({ record: `query_${at}`, expr }))
  await withFile({ groups: [{ name: 'queries', rules }] }, 'check', 'rules')
}

/** Expects one value, the same for each of some queries, over recorded series. */
export async function testQueries({
  series,
  atMinute,
  queries,
  value,
}: {
  series: InputSeries[]
  atMinute: number
  queries: readonly string[]
  value: number
}): Promise<void> {
  const checks = queries.map((query) => ({
    expr: `sum(${query})`,
    eval_time: `${atMinute}m`,
    exp_samples: [{ labels: '{}', value }],
  }))
  const test = { interval, input_series: series, promql_expr_test: checks }
  await withFile({ rule_files: [], evaluation_interval: interval, tests: [test] }, 'test', 'rules')
}

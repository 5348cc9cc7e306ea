/**
 * Runs the suites of core and of the adapters on each version of Node, times each version of a framework, and prints a table.
 *
 *     npm run matrix                                  # all of it: about an hour on two cores
 *     npm run matrix -- --node 26 --project express-5.3 --project koa-3.3
 *
 * Each Node comes from the npm package `node`, into node_modules/.cache/matrix.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { env, exit, stderr } from 'node:process'
import { parseArgs } from 'node:util'
import config from '../vitest.config.ts'
import type { ProjectResult } from './matrix-reporter.ts'
import { table } from './table.ts'

const root = join(import.meta.dirname, '../..')
const cache = join(root, 'node_modules/.cache/matrix')
const projectNames = (config.test?.projects ?? []).flatMap((project) =>
  typeof project === 'object' && 'test' in project ? [String(project.test?.name)] : [],
)
const inMatrix = projectNames.filter((name) => /^(core|http|express-.*|koa-.*)$/.test(name))

const { values } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: ['20', '22', '24', '26'] },
    project: { type: 'string', multiple: true, default: inMatrix },
  },
})

/** Installs the newest version of a major of Node, unless it is there, and returns the path of its binary. */
function nodeOf(major: string): string {
  const dir = join(cache, `node-${major}`)
  const binary = join(dir, 'node_modules/node/bin/node')
  if (!existsSync(binary)) {
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'package.json'), '{ "private": true }\n')
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', `node@${major}`], {
      cwd: dir,
      stdio: ['ignore', 2, 2],
    })
  }
  return binary
}

function runOn(binary: string): Record<string, ProjectResult> {
  const results = join(cache, 'results.json')
  rmSync(results, { force: true })
  const projects = values.project.flatMap((name) => ['--project', name])
  const reporters = ['--reporter', join(import.meta.dirname, 'matrix-reporter.ts')]
  spawnSync(
    binary,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--config', 'test/vitest.config.ts', ...projects, ...reporters],
    ],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
      // Programs that a test starts by the name `node` run on this version as well.
      env: { ...env, MATRIX_RESULTS: results, PATH: `${dirname(binary)}${delimiter}${env.PATH}` },
    },
  )
  if (!existsSync(results)) throw new Error(`Vitest did not run on ${binary}. Its output is above.`)
  return JSON.parse(readFileSync(results, 'utf8')) as Record<string, ProjectResult>
}

function cell(result: ProjectResult | undefined): string {
  if (result === undefined) return '-'
  const { passed, skipped, failed } = result
  if (failed.length > 0) return `${failed.length} FAILED of ${passed + failed.length}`
  return skipped > 0 ? `${passed} ok, ${skipped} skipped` : `${passed} ok`
}

const columns = new Map<string, Record<string, ProjectResult>>()
for (const major of values.node) {
  const binary = nodeOf(major)
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()
  stderr.write(`Node ${version.slice(1)}: ${values.project.join(', ')}\n`)
  columns.set(version, runOn(binary))
}
const names = [...new Set([...columns.values()].flatMap((results) => Object.keys(results)))]
const order = (name: string) => (projectNames.indexOf(name) + 1 || 1_000) as number
names.sort((a, b) => order(a) - order(b))
console.log(
  table(
    ['Suite', ...[...columns.keys()].map((version) => `Node ${version.slice(1)}`)],
    names.map((name) => [name, ...[...columns.values()].map((results) => cell(results[name]))]),
  ),
)
const failures = [...columns].flatMap(([version, results]) =>
  Object.entries(results).flatMap(([name, { failed }]) =>
    failed.map((title) => `${version} ${name}: ${title}`),
  ),
)
for (const failure of failures) console.log(failure)
exit(failures.length > 0 ? 1 : 0)

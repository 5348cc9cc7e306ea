import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkVersion, checkVersions, tested } from '../../../packages/cli/src/doctor/version-checks.ts'

const root = mkdtempSync(join(tmpdir(), 'px-usage-versions-'))
afterAll(() => rmSync(root, { recursive: true }))

let apps = 0
/** Creates the folder of an app with these packages above it, as in a workspace. */
function appWith(packages: Readonly<Record<string, string>>): string {
  const workspace = join(root, String(++apps))
  for (const [name, version] of Object.entries(packages)) {
    mkdirSync(join(workspace, 'node_modules', name), { recursive: true })
    writeFileSync(join(workspace, 'node_modules', name, 'package.json'), JSON.stringify({ version }))
  }
  const app = join(workspace, 'apps/api')
  mkdirSync(app, { recursive: true })
  return app
}

test.each([
  ['express', '4.16.4', 'failure'],
  ['express', '4.17.0', 'ok'],
  ['express', '4.23.0', 'warning'],
  ['express', '5.0.0-beta.1', 'ok'],
  ['express', '5.3.9', 'ok'],
  ['express', '6.0.0', 'warning'],
  ['koa', '2.12.1', 'failure'],
  ['koa', '3.3.0', 'ok'],
  ['@koa/router', '7.4.0', 'failure'],
  ['@koa/router', '15.7.0', 'ok'],
  ['koa-router', '7.2.0', 'ok'],
  ['koa-router', '15.0.0', 'warning'],
])('%s %s is %s', (name, version, verdict) => {
  expect(checkVersion(name, version)).toMatchObject({ name, verdict })
})

test.each([
  ['v18.20.0', 'failure'],
  ['v20.18.9', 'failure'],
  ['v20.19.0', 'ok'],
  ['v21.7.0', 'failure'],
  ['v22.11.0', 'failure'],
  ['v22.12.0', 'ok'],
  ['v26.0.0', 'ok'],
])('Node.js %s is %s', (version, verdict) => {
  expect(checkVersions(appWith({}), version)[0]).toMatchObject({ name: 'Node.js', verdict })
})

test('packages are found in a folder above the app, and faults of theirs', () => {
  const app = appWith({
    express: '5.2.0',
    router: '2.2.0',
    '@px-usage/core': '0.1.0',
    '@px-usage/express': '0.2.0',
  })
  expect(checkVersions(app, 'v22.12.0').map(({ name, verdict }) => `${verdict}: ${name}`)).toEqual([
    'ok: Node.js',
    'ok: express',
    'warning: router',
    'warning: px-usage',
  ])
})

test('the package router matters to Express 5 only, and without a framework nothing is concluded', () => {
  const found = checkVersions(appWith({ express: '4.22.0', router: '1.3.8' }), 'v22.12.0')
  expect(found.map(({ name }) => name)).toEqual(['Node.js', 'express'])
  expect(checkVersions(appWith({}), 'v22.12.0')[1]).toMatchObject({ name: 'framework', verdict: 'unknown' })
})

test('the versions are those with which the tests run', () => {
  const config = readFileSync(join(import.meta.dirname, '../../vitest.config.ts'), 'utf8')
  for (const name of ['express', 'koa']) {
    const [first, last] = [tested[name]?.ranges[0]?.[0], tested[name]?.ranges.at(-1)?.[1]]
    const list = [...config.matchAll(/\[('\d+\.\d+'(?:, )?)+\]/g)].map(([text]) => text)
    expect(list.some((text) => text.startsWith(`['${first}'`) && text.endsWith(`'${last}']`))).toBe(true)
  }
})

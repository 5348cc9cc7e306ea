import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Check, failure, ok, unknown, warning } from './check.ts'

/** A version as numbers: major, minor, patch. */
type Version = readonly [number, number, number]

interface Tested {
  /** Ranges with which px-usage is tested, as `[first, last]`; the last one may have any minor version that is newer. */
  readonly ranges: ReadonlyArray<readonly [first: string, last: string]>
}

/** The versions with which the tests of px-usage run. A test holds this table and the packages together. */
export const tested: Readonly<Record<string, Tested>> = {
  express: {
    ranges: [
      ['4.17', '4.22'],
      ['5.0', '5.3'],
    ],
  },
  koa: {
    ranges: [
      ['2.13', '2.16'],
      ['3.0', '3.3'],
    ],
  },
  '@koa/router': { ranges: [['8.0', '15']] },
  'koa-router': { ranges: [['7.2', '14']] },
}

/** Checks Node.js, and the frameworks and routers that an app uses. @param app the folder of the app */
export function checkVersions(app: string, nodeVersion: string): Check[] {
  const found = Object.keys(tested).flatMap((name) => {
    const version = installedVersion(app, name)
    return version === undefined ? [] : [checkVersion(name, version)]
  })
  const frameworks =
    found.length > 0
      ? found
      : [
          unknown(
            'framework',
            `no Express or Koa is installed for ${app}; give the folder of the app with --app`,
          ),
        ]
  return [checkNode(nodeVersion), ...frameworks, ...checkRouter(app), ...checkOwnPackages(app)]
}

function checkNode(version: string): Check {
  const [major, minor] = parse(version)
  const isSupported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
  if (isSupported) return ok('Node.js', `${version} is supported.`)
  return failure('Node.js', `${version} is not supported.`, 'Use Node.js 20.19 or later, or 22.12 or later.')
}

/** Judges the version of a framework or router. */
export function checkVersion(name: string, version: string): Check {
  const ranges = (tested[name] as Tested).ranges
  const texts = ranges.map(([first, last]) => `${first} to ${last}`).join(' and ')
  const at = parse(version)
  for (const [first, last] of ranges) {
    const end = parse(last)
    if (compare(at, parse(first)) < 0 || at[0] > end[0]) continue
    const isTested = at[0] < end[0] || !last.includes('.') || at[1] <= end[1]
    if (isTested) return ok(name, `${version} is tested.`)
    return warning(
      name,
      `${version} is newer than what px-usage is tested with (${texts}).`,
      `Compare the endpoints in \`px-usage endpoints\`, or use ${name} ${last}.`,
    )
  }
  const isNewer = compare(at, parse(ranges.at(-1)?.[1] ?? '')) > 0
  const cure = `Use ${name} ${texts}.`
  if (isNewer) return warning(name, `${version} is newer than what px-usage is tested with.`, cure)
  return failure(name, `${version} is not supported.`, cure)
}

/** The package `router` names the routes of Express 5. */
function checkRouter(app: string): Check[] {
  const express = installedVersion(app, 'express')
  const version = express === undefined || parse(express)[0] < 5 ? undefined : installedVersion(app, 'router')
  if (version === undefined) return []
  const [major, minor] = parse(version)
  if (major > 2 || (major === 2 && minor >= 3)) return [ok('router', `${version} names mounts exactly.`)]
  return [
    warning(
      'router',
      `${version} does not keep the pattern of a mount, so some names of mounts are found by trial.`,
      'Use router 2.3 or later: npm update router.',
    ),
  ]
}

/** Two versions of core in one app are two meters: each counts and sends for itself. */
function checkOwnPackages(app: string): Check[] {
  const names = ['core', 'http', 'express', 'koa', 'redis'].map((name) => `@px-usage/${name}`)
  const found = names.flatMap((name) => {
    const version = installedVersion(app, name)
    return version === undefined ? [] : [{ name, version }]
  })
  const versions = new Set(found.map(({ version }) => version))
  if (found.length === 0) return []
  if (versions.size === 1) return [ok('px-usage', `${found[0]?.version}, the same for each package.`)]
  const list = found.map(({ name, version }) => `${name} ${version}`).join(', ')
  return [
    warning(
      'px-usage',
      `The packages have different versions: ${list}.`,
      'Install all of them in one version.',
    ),
  ]
}

/** Returns the version of a package that the app would load, found as Node.js does it: in the folders `node_modules` from the app upwards. */
function installedVersion(app: string, name: string): string | undefined {
  for (let folder = app; ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
      const { version } = JSON.parse(text) as { version?: unknown }
      if (typeof version === 'string') return version
    } catch {
      // Not in this folder.
    }
    if (dirname(folder) === folder) return undefined
  }
}

function parse(version: string): Version {
  const [major = 0, minor = 0, patch = 0] = version.replace(/^v/, '').split(/[.-]/).map(Number)
  return [major, minor, patch]
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

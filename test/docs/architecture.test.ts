import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importsOf, type Layout, violationsOf } from '../support/architecture.ts'

const layout: Layout = {
  packages: {
    core: [],
    http: ['core'],
    express: ['core', 'http'],
    koa: ['core', 'http'],
    redis: ['core'],
    cli: ['core', 'redis', 'px-emulator'],
    'px-emulator': [],
  },
  rooms: [
    'model',
    'files',
    'attribution',
    'counting',
    'outbox',
    'journal',
    'day',
    'stores',
    'px',
    'webhook',
    'attributes',
    'instruments',
    'delivery',
    'options',
    'meter',
  ],
  openFiles: ['px-limits.ts', 'clock.ts', 'errors.ts', 'diagnostics.ts'],
  doors: ['index.ts', 'adapter.ts', 'testing.ts', 'opentelemetry.ts', 'prometheus.ts'],
  mostFilesOfRoom: 14,
  mostLinesOfFile: 300,
}

/** Dependencies that one file alone imports. */
const importedOnce: Readonly<Record<string, string>> = {
  undici: 'core/src/px/px-client.ts',
  'lru-cache': 'core/src/attribution/identity-cache.ts',
  '@opentelemetry/api': 'core/src/opentelemetry.ts',
  'prom-client': 'core/src/prometheus.ts',
  'on-finished': 'http/src/completion/watch-response.ts',
}

const packages = join(import.meta.dirname, '../../packages')

const sources = new Map(
  readdirSync(packages)
    .flatMap((name) => {
      const source = join(name, 'src')
      return readdirSync(join(packages, source), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(source, file),
      )
    })
    .filter((file) => /\.[cm]?[jt]s$/.test(file))
    .map((file) => [file, readFileSync(join(packages, file), 'utf8')]),
)

function filesWith(pattern: RegExp, where: RegExp): string[] {
  return [...sources]
    .filter(([file, text]) => where.test(file) && pattern.test(text))
    .map(([file]) => file)
    .sort()
}

describe('the packages and rooms', () => {
  it('are all read, with their imports', () => {
    const folders = readdirSync(packages)
    expect([...new Set([...sources.keys()].map((file) => file.split('/')[0]))].sort()).toEqual(folders.sort())
    expect(sources.has('px-emulator/src/page/page.js')).toBe(true)
    expect(importsOf(sources).length).toBeGreaterThan(500)
  })

  it('import files that exist only', () => {
    const missing = importsOf(sources).filter(({ to }) => to !== undefined && !sources.has(to))
    expect(missing).toEqual([])
  })

  it('keep the order, have no circles, and stay small', () => {
    expect(violationsOf(sources, layout)).toEqual([])
  })

  it('import each of these dependencies in one file', () => {
    for (const [dependency, file] of Object.entries(importedOnce)) {
      const importing = importsOf(sources).filter(({ from }) => from === dependency)
      expect([...new Set(importing.map((one) => one.file))]).toEqual([file])
    }
  })

  it('name fields of PX in two files of ours only', () => {
    expect(filesWith(/\b(identifyId|propertyKey)\b\??:/, /^(?!px-emulator\/)/)).toEqual([
      'core/src/attributes/px-attributes.ts',
      'core/src/px/px-event.ts',
    ])
  })

  it('read the time and set timers in clock.ts only', () => {
    const reading = /\bDate\.now\b|\bsetTimeout\(|\bsetInterval\(|performance\.now/
    expect(filesWith(reading, /^core\//)).toEqual(['core/src/clock.ts'])
  })

  it('have no adapter over 100 lines', () => {
    const adapters = [...sources].filter(([file]) => file.endsWith('/usage-middleware.ts'))
    expect(adapters.filter(([, text]) => text.split('\n').length - 1 > 100)).toEqual([])
  })

  it('end the process and listen to its signals in one file', () => {
    const ours = /^(?!(px-emulator|cli)\/)/
    const onlyFile = ['core/src/meter/close-on-signal.ts']
    expect(filesWith(/process\.(exit|abort|reallyExit)\b/, ours)).toEqual(onlyFile)
    expect(filesWith(/process\.(on|once|addListener|prependListener)\(/, ours)).toEqual(onlyFile)
  })
})

describe('a planted violation is found:', () => {
  const order = [...layout.openFiles, ...layout.rooms].join(', ')

  it.each<[rule: string, files: Record<string, string>, violation: string]>([
    [
      'a package that imports one that it may not',
      { 'core/src/model/a.ts': "import { b } from '@px-usage/http'\n" },
      'core/src/model/a.ts imports @px-usage/http: core may import of our packages none, by name',
    ],
    [
      'a package that imports a door of another one',
      { 'px-emulator/src/a.ts': "import type { B } from '@px-usage/core/testing'\n" },
      'px-emulator/src/a.ts imports @px-usage/core/testing: px-emulator may import of our packages none, by name',
    ],
    [
      'a package that imports a file of another one',
      { 'express/src/a.ts': "import { b } from '../../core/src/model/b.ts'\n" },
      'express/src/a.ts imports core/src/model/b.ts: express may import of our packages core, http, by name',
    ],
    [
      'a package without a place in the order',
      { 'tools/src/a.ts': '' },
      'tools: the order of packages does not name this package',
    ],
    [
      'a value from a room to the right',
      { 'core/src/files/a.ts': "import {\n  b,\n} from '../day/b.ts'\n" },
      `core/src/files/a.ts imports core/src/day/b.ts: a file imports only what lies to its left (${order})`,
    ],
    [
      'a type from a room to the right',
      { 'core/src/outbox/a.ts': "import type { B } from '../journal/b.ts'\n" },
      `core/src/outbox/a.ts imports core/src/journal/b.ts: a file imports only what lies to its left (${order})`,
    ],
    [
      'a type from the last room, in an export',
      { 'core/src/options/a.ts': "export type { B } from '../meter/b.ts'\n" },
      `core/src/options/a.ts imports core/src/meter/b.ts: a file imports only what lies to its left (${order})`,
    ],
    [
      'a type expression from a room to the right',
      { 'core/src/model/a.ts': "let b: import('../px/b.ts').B\n" },
      `core/src/model/a.ts imports core/src/px/b.ts: a file imports only what lies to its left (${order})`,
    ],
    [
      'an open root file that imports a room',
      { 'core/src/diagnostics.ts': "import type { B } from './model/b.ts'\n" },
      `core/src/diagnostics.ts imports core/src/model/b.ts: a file imports only what lies to its left (${order})`,
    ],
    [
      'an open root file that imports one to its right',
      { 'core/src/clock.ts': "import './errors.ts'\n" },
      `core/src/clock.ts imports core/src/errors.ts: a file imports only what lies to its left (${order})`,
    ],
    [
      'a room that imports a door',
      { 'core/src/meter/a.ts': "import type { B } from '../index.ts'\n" },
      'core/src/meter/a.ts imports core/src/index.ts: no file of core imports one of its doors (index.ts, adapter.ts, testing.ts, opentelemetry.ts, prometheus.ts)',
    ],
    [
      'a room without a place in the order',
      { 'core/src/utils/a.ts': '' },
      `core/src/utils/a.ts: the order of core names neither this room nor this root file (${[...layout.rooms, ...layout.openFiles, ...layout.doors].join(', ')})`,
    ],
    [
      'a root file without a place in the order',
      { 'core/src/a.ts': '' },
      `core/src/a.ts: the order of core names neither this room nor this root file (${[...layout.rooms, ...layout.openFiles, ...layout.doors].join(', ')})`,
    ],
    [
      'a circle of two files',
      {
        'express/src/a.ts': "import { b } from './b.ts'\n",
        'express/src/b.ts': "import { a } from './a.ts'\n",
      },
      'express/src/a.ts imports express/src/b.ts imports express/src/a.ts: no circles',
    ],
    [
      'a circle of types within a room',
      {
        'core/src/model/a.ts': "import type { B } from './b.ts'\n",
        'core/src/model/b.ts': "export type { C } from './c.ts'\n",
        'core/src/model/c.ts': "export type C = import('./a.ts').A\n",
      },
      'core/src/model/a.ts imports core/src/model/b.ts imports core/src/model/c.ts imports core/src/model/a.ts: no circles',
    ],
    [
      'a circle of scripts of the page, one way by JSDoc',
      {
        'px-emulator/src/page/a.js': "import { b } from './b.js'\n",
        'px-emulator/src/page/b.js': "/** @type {import('./a.js').A} */\nlet a\n",
      },
      'px-emulator/src/page/a.js imports px-emulator/src/page/b.js imports px-emulator/src/page/a.js: no circles',
    ],
    [
      'a room of too many files',
      Object.fromEntries(Array.from({ length: 15 }, (_, number) => [`core/src/px/${number}.ts`, ''])),
      'core/src/px has 15 files: a room has at most 14',
    ],
    [
      'a root of too many files',
      Object.fromEntries(Array.from({ length: 15 }, (_, number) => [`koa/src/${number}.ts`, ''])),
      'koa/src has 15 files: a room has at most 14',
    ],
    [
      'a file of too many lines',
      { 'http/src/a.ts': '\n'.repeat(301) },
      'http/src/a.ts has 301 lines: a file has at most 300',
    ],
  ])('%s', (_rule, files, violation) => {
    expect(violationsOf(new Map(Object.entries(files)), layout)).toEqual([violation])
  })

  it('and what keeps to the rules is not', () => {
    const files = {
      'core/src/index.ts': "export * from './meter/a.ts'\nexport { b } from './model/b.ts'\n",
      'core/src/meter/a.ts': "import { b } from '../model/b.ts'\nimport '../errors.ts'\n",
      'core/src/model/b.ts': "import type { C } from '../clock.ts'\n",
      'core/src/diagnostics.ts': "import { C } from './clock.ts'\n",
      'koa/src/a.ts': "import { pxUsage } from '@px-usage/http'\nimport { b } from './b.ts'\n",
      'koa/src/b.ts': `${'\n'.repeat(299)}import Koa from 'koa'\n`,
    }
    expect(violationsOf(new Map(Object.entries(files)), layout)).toEqual([])
  })
})

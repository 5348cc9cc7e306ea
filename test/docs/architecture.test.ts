import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const packages = join(import.meta.dirname, '../../packages')

/** Which of our packages a package may import. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  http: ['@px-usage/core', '@px-usage/core/adapter'],
  express: ['@px-usage/core', '@px-usage/http'],
  koa: ['@px-usage/core', '@px-usage/http'],
  'px-emulator': [],
}

/** Rooms of core from left to right: each looks left only. */
const rooms = [
  'model',
  'files',
  'attribution',
  'counting',
  'outbox',
  'journal',
  'day',
  'stores',
  'px',
  'attributes',
  'instruments',
  'delivery',
  'options',
  'meter',
]
const openToAll = ['errors.ts', 'diagnostics.ts', 'clock.ts']

/** Dependencies that one file alone imports. */
const doors: Readonly<Record<string, string>> = {
  undici: 'core/src/px/px-client.ts',
  'lru-cache': 'core/src/attribution/identity-cache.ts',
  'on-finished': 'http/src/watch-response.ts',
}

const files = readdirSync(packages)
  .flatMap((name) => {
    const source = join(name, 'src')
    return readdirSync(join(packages, source), { recursive: true, encoding: 'utf8' }).map((file) =>
      join(source, file),
    )
  })
  .filter((file) => file.endsWith('.ts'))

const imports = files.flatMap((file) =>
  [...text(file).matchAll(/^(?:import|export)\s[^;'"]*?from '([^']+)'/gm)].map(([, from = '']) => ({
    file,
    from,
  })),
)

function text(file: string): string {
  return readFileSync(join(packages, file), 'utf8')
}

describe('the rooms', () => {
  it('are found, with their imports', () => {
    expect(files.length).toBeGreaterThan(30)
    expect(imports.length).toBeGreaterThan(100)
  })

  it('import only the packages they may', () => {
    const wrong = imports.filter(({ file, from }) => {
      const name = file.split('/')[0] as string
      const ours = from.startsWith('@px-usage/') || from === 'px-emulator'
      return ours && !mayImport[name]?.includes(from)
    })
    expect(wrong).toEqual([])
  })

  it('of core look left only', () => {
    const wrong = imports.filter(({ file, from }) => {
      const room = rooms.indexOf(file.split('/')[2] as string)
      if (!file.startsWith('core/src/') || room === -1 || !from.startsWith('.')) return false
      const target = normalize(join(dirname(file), from)).slice('core/src/'.length)
      const targetRoom = rooms.indexOf(target.split('/')[0] as string)
      return !openToAll.includes(target) && (targetRoom === -1 || targetRoom > room)
    })
    expect(wrong).toEqual([])
  })

  it('have one door to each dependency', () => {
    for (const [dependency, door] of Object.entries(doors)) {
      expect(imports.filter(({ from }) => from === dependency).map(({ file }) => file)).toEqual([door])
    }
  })

  it('name fields of PX in two files of ours only', () => {
    const speaking = files.filter(
      (file) => !file.startsWith('px-emulator/') && /\b(identifyId|propertyKey)\b\??:/.test(text(file)),
    )
    expect(speaking.sort()).toEqual(['core/src/attributes/px-attributes.ts', 'core/src/px/px-event.ts'])
  })

  it('read the time and set timers in clock.ts only', () => {
    const reading = files.filter(
      (file) =>
        file.startsWith('core/') &&
        /\bDate\.now\b|\bsetTimeout\(|\bsetInterval\(|performance\.now/.test(text(file)),
    )
    expect(reading).toEqual(['core/src/clock.ts'])
  })

  it('have no file over 300 lines, and no adapter over 100', () => {
    const limit = (file: string) => (file.endsWith('/usage-middleware.ts') ? 100 : 300)
    expect(files.filter((file) => text(file).split('\n').length - 1 > limit(file))).toEqual([])
  })

  it('end the process and listen to its signals in one file', () => {
    const ours = files.filter((file) => !/^(px-emulator|cli)\//.test(file))
    const which = (pattern: RegExp) => ours.filter((file) => pattern.test(text(file)))
    expect(which(/process\.(exit|abort|reallyExit)\b/)).toEqual(['core/src/meter/close-on-signal.ts'])
    expect(which(/process\.(on|once|addListener|prependListener)\(/)).toEqual([
      'core/src/meter/close-on-signal.ts',
    ])
  })
})

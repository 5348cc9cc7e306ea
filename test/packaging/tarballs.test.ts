import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const folders = await readdir(join(root, 'packages'))
const run = promisify(execFile)

interface Manifest {
  name: string
  homepage: string
  bugs: { url: string }
  repository: { url: string; directory: string }
  keywords: string[]
  dependencies: Record<string, string>
  exports: Record<string, unknown>
  bin?: Record<string, string>
  scripts: Record<string, string>
  engines: { node: string }
  publishConfig: { access: string; provenance: boolean }
  sideEffects: false | string[]
}

const manifests = new Map<string, Manifest>()
for (const folder of folders) {
  manifests.set(
    folder,
    JSON.parse(await readFile(join(root, 'packages', folder, 'package.json'), 'utf8')) as Manifest,
  )
}

/** A checkout in which nothing has been built. */
let checkout: string

beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'px-usage-packaging-'))
  await cp(root, checkout, {
    recursive: true,
    filter: (path) => !['.git', 'node_modules', 'dist'].includes(basename(path)),
  })
  for (const folder of ['.', ...folders.map((name) => join('packages', name))]) {
    await symlink(join(root, folder, 'node_modules'), join(checkout, folder, 'node_modules'))
  }
})

afterAll(() => rm(checkout, { recursive: true, force: true }))

/** The files that the `exports` and `bin` of a package name. */
function promisedFiles({ exports, bin = {} }: Manifest): string[] {
  const values = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(values)
  return [...new Set([...values(exports), ...Object.values(bin)])].map((path) => path.replace(/^\.\//, ''))
}

function expectWhole(manifest: Manifest, files: readonly string[]): void {
  expect(files).toEqual(expect.arrayContaining([...promisedFiles(manifest), 'LICENSE', 'README.md']))
  const others = files.filter(
    (file) =>
      !/^(LICENSE|README\.md|package\.json|bin\/[\w.-]+|dist\/.+|src\/.+|monitoring\/[\w.-]+)$/.test(file),
  )
  expect(others, 'only what the package needs').toEqual([])
}

/** What npm says that it packed. */
interface Packed {
  name: string
  filename: string
  unpackedSize: number
  files: { path: string }[]
}

describe('packed from a checkout in which nothing is built', () => {
  let packed: Packed[]

  beforeAll(async () => {
    const args = ['pack', '--json', '--pack-destination', checkout]
    const { stdout } = await run('npm', [...args, ...folders.map((folder) => `./packages/${folder}`)], {
      cwd: checkout,
      maxBuffer: 1 << 24,
    })
    packed = JSON.parse(stdout) as Packed[]
  }, 300_000)

  const packedFiles = (folder: string) => packed[folders.indexOf(folder)]?.files.map(({ path }) => path) ?? []

  it('npm packs every package whole', () => {
    expect(packed.map(({ name }) => name)).toEqual(folders.map((folder) => manifests.get(folder)?.name))
    for (const folder of folders) expectWhole(manifests.get(folder) as Manifest, packedFiles(folder))
  })

  it.each(folders)('the maps of %s lead to sources in the same tarball', async (folder) => {
    const files = packedFiles(folder)
    const built = files.filter((file) => /^dist\/[^/]+\.(mjs|cjs|d\.mts|d\.cts)$/.test(file))
    const maps: string[] = []
    for (const file of built) {
      const text = await readFile(join(checkout, 'packages', folder, file), 'utf8')
      const [, map] = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(text) ?? []
      // A file that only re-exports others has no code to map.
      if (map === undefined) expect(text).not.toMatch(/^(async |export )*(function|class|const|let) /m)
      else maps.push(join('dist', map))
    }
    expect(maps.length).toBeGreaterThan(0)
    for (const map of maps) {
      const { sources } = JSON.parse(await readFile(join(checkout, 'packages', folder, map), 'utf8')) as {
        sources: string[]
      }
      expect(files, map).toEqual(expect.arrayContaining(sources.map((source) => join('dist', source))))
    }
  })

  it('the middleware for Express and what it needs are 7 packages and less than 5.5 MB', () => {
    const ours = ['core', 'http', 'express'].map((folder) => manifests.get(folder) as Manifest)
    const dependencies = new Set(ours.flatMap(({ dependencies }) => Object.keys(dependencies)))
    // on-finished needs ee-first, which is the seventh.
    expect([...dependencies].sort()).toEqual([
      '@px-usage/core',
      '@px-usage/http',
      'lru-cache',
      'on-finished',
      'undici',
    ])
    const bytes = packed
      .filter(({ name }) => ours.some((manifest) => manifest.name === name))
      .reduce((sum, { unpackedSize }) => sum + unpackedSize, 0)
    // undici has 1.7 MB, and lru-cache 0.8. `npm run weight` measures all of it.
    expect(bytes).toBeLessThan(2_900_000)
  })

  describe('unpacked into an app', () => {
    const app = () => join(checkout, 'app')

    beforeAll(async () => {
      for (const { name, filename } of packed) {
        const folder = join(app(), 'node_modules', name)
        await mkdir(folder, { recursive: true })
        await run('tar', ['-xzf', join(checkout, filename), '--strip-components=1', '-C', folder])
      }
      const needed = {
        ...{ undici: 'packages/core', 'lru-cache': 'packages/core', 'on-finished': 'packages/http' },
        ...{ express: 'test', koa: 'test' },
      }
      for (const [name, owner] of Object.entries(needed)) {
        await symlink(join(root, owner, 'node_modules', name), join(app(), 'node_modules', name))
      }
      await cp(join(import.meta.dirname, 'apps/run'), app(), { recursive: true })
    })

    it.each([
      ['express.cjs', 'counted 1 call'],
      ['express.mjs', 'counted 1 call'],
      ['koa.cjs', 'counted 1 call'],
      ['koa.mjs', 'counted 1 call'],
      ['two-copies.cjs', '3 copies agree on errors'],
    ])('they work in %s', async (file, output) => {
      const { stdout } = await run(process.execPath, [file], { cwd: app(), env: { NODE_OPTIONS: '' } })
      expect(stdout.trim()).toBe(output)
    })
  })

  it('pnpm packs a package whole', { timeout: 300_000 }, async () => {
    await rm(join(checkout, 'packages/koa/dist'), { recursive: true, force: true })
    const args = ['--yes', 'pnpm@10.34.9', 'pack', '--json', '--pack-destination', checkout]
    const { stdout } = await run('npx', args, { cwd: join(checkout, 'packages/koa'), maxBuffer: 1 << 24 })
    const { files } = JSON.parse(stdout.slice(stdout.indexOf('{\n'))) as { files: { path: string }[] }
    expectWhole(
      manifests.get('koa') as Manifest,
      files.map(({ path }) => path),
    )
  })
})

describe.each(folders)('the package.json of %s', (folder) => {
  const manifest = manifests.get(folder) as Manifest

  it('says where the source, the issues and the page of the package are', () => {
    expect(manifest.repository.directory).toBe(`packages/${folder}`)
    const [, address = ''] = /^git\+(https:.+)\.git$/.exec(manifest.repository.url) ?? []
    expect(manifest.homepage).toBe(`${address}/tree/main/packages/${folder}#readme`)
    expect(manifest.bugs.url).toBe(`${address}/issues`)
    expect(manifest.keywords).toContain('gainsight-px')
  })

  it('names dependencies by versions, as npm packs them unchanged', () => {
    for (const range of Object.values(manifest.dependencies)) expect(range).toMatch(/^[~^]?\d+\.\d+\.\d+$/)
  })

  it('runs no script when it is installed, and is published with provenance', () => {
    expect(Object.keys(manifest.scripts)).toEqual(['prepack'])
    expect(manifest.engines.node).toBe('^20.19.0 || >=22.12.0')
    expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true })
  })

  it('names its side effects, so that a bundler leaves out an unused import', () => {
    const commands = Object.values(manifest.bin ?? {}).map((path) => `./${path}`)
    expect(manifest.sideEffects).toEqual(commands.length > 0 && [...commands, './dist/cli.mjs'])
  })

  it('has a README whose links work outside of the repository', async () => {
    const readme = await readFile(join(root, 'packages', folder, 'README.md'), 'utf8')
    const targets = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
    expect(targets.filter((target) => !/^(https:\/\/|#)/.test(target as string))).toEqual([])
  })

  it('comes with the license of the repository', async () => {
    const license = await readFile(join(root, 'LICENSE'), 'utf8')
    expect(await readFile(join(root, 'packages', folder, 'LICENSE'), 'utf8')).toBe(license)
  })
})

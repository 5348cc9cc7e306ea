import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
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
    typeof value === 'string'
      ? [value]
      : Object.entries(value as object)
          .filter(([condition]) => condition !== '@px-usage/source')
          .flatMap(([, inner]) => values(inner))
  return [...new Set([...values(exports), ...Object.values(bin)])].map((path) => path.replace(/^\.\//, ''))
}

function expectWhole(manifest: Manifest, files: readonly string[]): void {
  expect(files).toEqual(expect.arrayContaining([...promisedFiles(manifest), 'LICENSE', 'README.md']))
  const others = files.filter(
    (file) => !/^(LICENSE|README\.md|package\.json|bin\/[\w.-]+|dist\/.+|monitoring\/[\w.-]+)$/.test(file),
  )
  expect(others, 'only what the package needs').toEqual([])
}

describe('packed from a checkout in which nothing is built', () => {
  it('npm packs every package whole', { timeout: 300_000 }, async () => {
    const args = ['pack', '--dry-run', '--json', ...folders.map((folder) => `./packages/${folder}`)]
    const { stdout } = await run('npm', args, { cwd: checkout, maxBuffer: 1 << 24 })
    const packed = JSON.parse(stdout) as { name: string; files: { path: string }[] }[]
    expect(packed.map(({ name }) => name)).toEqual(folders.map((folder) => manifests.get(folder)?.name))
    for (const [at, folder] of folders.entries()) {
      expectWhole(manifests.get(folder) as Manifest, packed[at]?.files.map(({ path }) => path) ?? [])
    }
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
    for (const range of Object.values(manifest.dependencies)) expect(range).toMatch(/^\^?\d+\.\d+\.\d+$/)
  })

  it('comes with the license of the repository', async () => {
    const license = await readFile(join(root, 'LICENSE'), 'utf8')
    expect(await readFile(join(root, 'packages', folder, 'LICENSE'), 'utf8')).toBe(license)
  })
})

/**
 * Installs `@px-usage/express` and its peers, each into an empty folder, and prints how many packages and bytes that are:
 * `npm run weight`. The framework itself is left out everywhere.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exit } from 'node:process'
import { packAll } from './pack.ts'
import { table } from './table.ts'

/** What an install of the middleware may weigh at most. */
const limit = { packages: 7, megabytes: 5.5 }

interface Installed {
  readonly name: string
  readonly bytes: number
}

const workspace = mkdtempSync(join(tmpdir(), 'px-usage-weight-'))
const tarballs = packAll(workspace)
const pathOf = (name: string) => `file:${tarballs.find((tarball) => tarball.name === name)?.path}`
const ours = install(
  'px-usage',
  ['@px-usage/express', '@px-usage/http', '@px-usage/core'].map((name) => [name, pathOf(name)]),
)
const rows = [ours.map(({ name, bytes }) => [`  ${name}`, '1', inMegabytes(bytes)])].flat()
rows.unshift(rowOf('@px-usage/express', ours))
const peers: Readonly<Record<string, readonly string[]>> = {
  treblle: ['treblle'],
  'express-prom-bundle with prom-client': ['express-prom-bundle', 'prom-client'],
  'swagger-stats with prom-client': ['swagger-stats', 'prom-client'],
  readmeio: ['readmeio'],
  apitally: ['apitally'],
  'moesif-nodejs': ['moesif-nodejs'],
}
for (const [title, names] of Object.entries(peers)) {
  rows.push(
    rowOf(
      title,
      install(
        title.replace(/\W+/g, '-'),
        names.map((name) => [name, 'latest']),
      ),
    ),
  )
}
rmSync(workspace, { recursive: true, force: true })
console.log(table(['Install', 'Packages', 'MB'], rows))
const total = ours.reduce((sum, { bytes }) => sum + bytes, 0)
exit(ours.length <= limit.packages && total <= limit.megabytes * 1_000_000 ? 0 : 1)

function install(folderName: string, dependencies: readonly (readonly [string, string])[]): Installed[] {
  const folder = join(workspace, folderName)
  mkdirSync(folder)
  const manifest = { name: 'weight', private: true, dependencies: Object.fromEntries(dependencies) }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const options = [
    '--omit=peer',
    '--legacy-peer-deps',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--silent',
  ]
  const { status, stderr } = spawnSync('npm', ['install', ...options], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm install of ${folderName} failed: ${stderr}`)
  return packagesIn(join(folder, 'node_modules'))
}

/** Returns the packages of a `node_modules`, and of those within it, each without its own `node_modules`. */
function packagesIn(folder: string): Installed[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .flatMap(({ name }) => {
      const path = join(folder, name)
      if (name.startsWith('@'))
        return packagesIn(path).map((inner) => ({ ...inner, name: `${name}/${inner.name}` }))
      const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      )
      const own = files.filter(({ parentPath }) => !parentPath.slice(path.length).includes('/node_modules'))
      const bytes = own.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
      const nested = files.some(({ parentPath }) => parentPath.startsWith(join(path, 'node_modules')))
      return [{ name, bytes }, ...(nested ? packagesIn(join(path, 'node_modules')) : [])]
    })
}

function rowOf(title: string, packages: readonly Installed[]): string[] {
  return [title, String(packages.length), inMegabytes(packages.reduce((sum, { bytes }) => sum + bytes, 0))]
}

function inMegabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(2)
}

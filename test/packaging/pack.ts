import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** A tarball of one of our packages. */
export interface Tarball {
  name: string
  path: string
  bytes: number
}

/** Packs all packages into a folder, as they are published. */
export function packAll(folder: string): Tarball[] {
  const packages = readdirSync(join(root, 'packages')).map((name) => `./packages/${name}`)
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder, ...packages], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 24,
  })
  return (JSON.parse(packed) as { name: string; filename: string; unpackedSize: number }[]).map(
    ({ name, filename, unpackedSize }) => ({ name, path: join(folder, filename), bytes: unpackedSize }),
  )
}

import { type Disk, realDisk } from '../../packages/core/src/files/disk.ts'

const reads = [
  'closeSync',
  'fstatSync',
  'lstatSync',
  'read',
  'readFileSync',
  'readSync',
  'readdirSync',
  'statSync',
] as const satisfies ReadonlyArray<keyof Disk>

/** A disk on which every change throws, so that a test fails whose code changes something. */
export const readOnlyDisk: Disk = new Proxy(realDisk, {
  get(disk, name: keyof Disk) {
    if (name === 'openSync') {
      return (path: string, flags: string) => {
        if (flags !== 'r') throw new Error(`${path} was opened with ${flags}`)
        return disk.openSync(path, flags)
      }
    }
    if ((reads as readonly string[]).includes(name)) return disk[name]
    return () => {
      throw new Error(`${name} was called`)
    }
  },
})

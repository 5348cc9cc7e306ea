import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { onlyReader, openPlace } from '../../../packages/cli/src/place/open-place.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'
import { realDisk } from '../../../packages/core/src/files/disk.ts'
import { namespaceFolder } from '../../../packages/core/src/stores/namespace-folder.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'px-usage-cli-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function addNamespace(product: string, timeZone = 'UTC'): void {
  const name = { product, destination: 'api.aptrinsic.com.3f9a1c2b', timeZone }
  mkdirSync(namespaceFolder(realDisk, dir, name), { recursive: true })
}
const open = (namespace?: string) =>
  openPlace(parseSettings({ flags: { dir, namespace }, env: {}, file: undefined, cwd: '/' }))
const numbersOf = async (namespace?: string) => (await open(namespace)).readers.map(({ number }) => number)

describe('openPlace', () => {
  it('opens all namespaces, or those that --namespace chooses by number or name', async () => {
    addNamespace('AP-ONE-2')
    addNamespace('AP-TWO-2')
    addNamespace('AP-TWO-2', 'Europe/Berlin')
    expect(await numbersOf()).toEqual([1, 2, 3])
    expect(await numbersOf('2')).toEqual([2])
    expect(await numbersOf('ap-two')).toEqual([2, 3])
    expect(await numbersOf('berlin')).toEqual([2])
    await expect(open('AP-NONE')).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('2 (AP-TWO-2, api.aptrinsic.com, Europe/Berlin)'),
    })
  })

  it('fails with exit code 3 where no store is', async () => {
    await expect(open()).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining(dir) })
  })
})

it('onlyReader() lists the namespaces when a command needs one and there are several', async () => {
  addNamespace('AP-ONE-2')
  expect(onlyReader(await open()).number).toBe(1)
  addNamespace('AP-TWO-2')
  const place = await open()
  expect(() => onlyReader(place)).toThrow(/2 namespaces. Choose one with --namespace: 1 \(AP-ONE-2,/)
})

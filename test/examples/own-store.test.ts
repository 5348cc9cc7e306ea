import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonStore } from 'example-own-store/json-store.ts'
import { afterEach } from 'vitest'
import { storeContract } from '../contracts/store-contract.ts'

let dir: string | undefined

afterEach(() => {
  if (dir !== undefined) rmSync(dir, { recursive: true })
  dir = undefined
})

storeContract(
  'jsonStore()',
  () => {
    dir ??= mkdtempSync(join(tmpdir(), 'px-usage-json-'))
    return jsonStore(join(dir, 'usage.json'))
  },
  { isShared: false },
)

import fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskOf } from '../support/store-folder.ts'

const folder = diskOf(beforeEach, afterEach)

describe('two stores on one folder that write the same note', () => {
  it('both succeed, and a reader sees one of the two texts whole', async () => {
    const path = join(folder.dir, 'notes', 'shared')
    const texts = ['a'.repeat(60_000), 'b'.repeat(3_000)]
    const stores = [await folder.open(), await folder.open()]
    let isOver = false
    const writing = Promise.all(
      stores.map(async (store, index) => {
        for (let round = 0; round < 60; round++) await store.writeNote('shared', texts[index] as string)
      }),
    ).finally(() => {
      isOver = true
    })
    const seen = new Set<string>()
    while (!isOver) {
      if (fs.existsSync(path)) seen.add(fs.readFileSync(path, 'utf8'))
      await new Promise(setImmediate)
    }
    await writing
    seen.add(fs.readFileSync(path, 'utf8'))
    expect([...seen].filter((text) => !texts.includes(text))).toEqual([])
    expect(fs.readdirSync(join(folder.dir, 'notes'))).toEqual(['shared'])
  })
})

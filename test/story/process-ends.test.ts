import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

it('a process that awaits close() sends the open day first and then ends by itself', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'test/support/close-child.ts'],
    { cwd: root },
  )
  expect(JSON.parse(stdout)).toEqual({
    report: { sent: { lines: 2 }, kept: { calls: 0, lines: 0 }, lost: { calls: 0, lines: 0 } },
    events: 2,
  })
})

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const cli = join(import.meta.dirname, '../../packages/cli/src/cli.ts')
const node = ['--conditions=@px-usage/source', '--import', 'tsx', cli]
const run = promisify(execFile)

test('the command ends with 2 for wrong arguments', async () => {
  const wrong = run(process.execPath, [...node, 'emulator', '--port', 'x'])
  await expect(wrong).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--port x') })
})

test('a reader that closes the pipe early causes no error', async () => {
  const command = `"${process.execPath}" ${node.join(' ')} --help | head -c 1`
  expect(await run('bash', ['-o', 'pipefail', '-c', command])).toEqual({ stdout: 'U', stderr: '' })
})

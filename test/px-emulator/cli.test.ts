import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const cli = join(import.meta.dirname, '../../packages/px-emulator/src/cli.ts')
const node = ['--conditions=@px-usage/source', '--import', 'tsx', cli]

test('the command starts, prints what a sender needs, and ends on a signal', async () => {
  const args = [
    '--port',
    '0',
    '--api-key',
    'k',
    '--switch',
    'createdBody=text',
    '--user-attribute',
    'calls:NUMBER',
  ]
  const child = spawn(process.execPath, [...node, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [printed] = await once(child.stdout.setEncoding('utf8'), 'data')
  const url = /PX_BASE_URL=(\S+) PX_API_KEY=k PX_PRODUCT_KEY=AP-DEMOEMULATOR-2/.exec(printed)?.[1]
  const response = await fetch(`${url}/v1/admin/model/user/attributes`, {
    headers: { 'X-APTRINSIC-API-KEY': 'k' },
  })
  expect(await response.json()).toMatchObject([{ apiName: 'calls', type: 'NUMBER' }])
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test.each([
  [['--port', 'x'], '--port x is not a port'],
  [['--prot', '1'], '--prot'],
  [['--port', '0', '--switch', 'limits=on'], 'refuse, drop, truncate, off'],
  [['--port', '0', '--time-zone', 'Mars/Base'], 'Mars/Base'],
  [['--port', '0', '--user-attribute', 'calls:INT'], 'STRING, NUMBER'],
])('the command says what is wrong with %j and fails', async (args, message) => {
  await expect(promisify(execFile)(process.execPath, [...node, ...args])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(message),
  })
})

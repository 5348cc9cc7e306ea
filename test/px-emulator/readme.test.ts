import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { defaultSwitches, type Switches, switchValues } from '../../packages/px-emulator/src/switches.ts'

const package_ = join(import.meta.dirname, '../../packages/px-emulator')
const readme = await readFile(join(package_, 'README.md'), 'utf8')
const node = ['--conditions=@px-usage/source', '--import', 'tsx', join(package_, 'src/cli.ts')]

test('the README shows the example that runs here', async () => {
  const source = await readFile(join(import.meta.dirname, 'readme-example.test.ts'), 'utf8')
  const [shown] = source.split('\n// ---')
  expect(readme).toContain(`\`\`\`ts\n${(shown as string).trim()}\n\`\`\``)
})

test('the README lists every switch with its values and its default, and no other', () => {
  const table = readme.split('## Behaviour that is not publicly known')[1]?.split('\n## ')[0] ?? ''
  const listed = [...table.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)].map(
    ([, name, values]) => `${name}: ${values}`,
  )
  expect(listed).toEqual(
    Object.entries(defaultSwitches).map(([name, value]) => `${name}: ${valuesOf(name, value)}`),
  )
})

/** The values of a switch, the default bold. */
function valuesOf(name: string, value: unknown): string {
  const values = switchValues(name as keyof Switches)
  if (values.startsWith('number')) return `${values}, **${value}**`
  return values.replace(new RegExp(`\\b${value}\\b`), '**$&**')
}

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
  const [told] = await once(child.stdout.setEncoding('utf8'), 'data')
  const url = /PX_BASE_URL=(\S+) PX_API_KEY=k PX_PRODUCT_KEY=AP-DEMOEMULATOR-2/.exec(told)?.[1]
  const answer = await fetch(`${url}/v1/admin/model/user/attributes`, {
    headers: { 'X-APTRINSIC-API-KEY': 'k' },
  })
  expect(await answer.json()).toMatchObject([{ apiName: 'calls', type: 'NUMBER' }])
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

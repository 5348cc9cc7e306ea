import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, vi } from 'vitest'

const examples = join(import.meta.dirname, '../../examples')
/** Examples that end by themselves, and can run in the process of the tests. */
const inProcess = ['api-keys-with-lookup', 'express-basic', 'koa-basic', 'nest', 'own-store']
/** Examples that start processes, or send signals to their own. */
const asProcess = ['cluster', 'graceful-shutdown']
/** Examples with a test of their own, and the demo, which `npm start` runs. */
const elsewhere = ['demo', 'express-redis-fleet', 'instruments']

async function expectShown(name: string, command: string, printed: string): Promise<void> {
  const readme = await readFile(join(examples, name, 'README.md'), 'utf8')
  expect(readme).toContain(`    npm ${command} --prefix examples/${name}\n`)
  expect(readme).toContain(`\`\`\`\n${printed.trim()}\n\`\`\`\n`)
}

async function run(name: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', ...args],
    { cwd: join(examples, name) },
  )
  expect(stderr).toBe('')
  return stdout
}

it('knows all examples', async () => {
  const known = [...inProcess, ...asProcess, ...elsewhere, 'testing-your-integration']
  const folders = (await readdir(examples)).filter((name) => !name.endsWith('.md'))
  expect(folders.sort()).toEqual(known.sort())
})

it.each(inProcess)('the example %s prints what its README shows', async (name) => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import(`../../examples/${name}/start.ts`)
  const printed = print.mock.calls.map((values) => values.join(' '))
  print.mockRestore()
  await expectShown(name, 'start', printed.join('\n'))
})

it.each(asProcess)('the example %s prints what its README shows', async (name) => {
  await expectShown(name, 'start', await run(name, ['start.ts']))
})

it('the example of tests passes, with the tests that its README shows', async () => {
  const printed = await run('testing-your-integration', ['--test', '--test-reporter=spec', 'app.test.ts'])
  const passed = printed.match(/^✔ .*$/gm)?.map((line) => line.replace(/[\d.]+ms/, '…ms'))
  await expectShown('testing-your-integration', 'test', passed?.join('\n') ?? '')
})

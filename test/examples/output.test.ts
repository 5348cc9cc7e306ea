import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, vi } from 'vitest'

const examples = join(import.meta.dirname, '../../examples')
/** Examples that end by themselves, and can run in the process of the tests. */
const inProcess = [
  'api-keys-with-lookup',
  'express-basic',
  'graceful-shutdown',
  'koa-basic',
  'nest',
  'own-store',
]
/** Examples with a test of their own, and the demo, which `npm start` runs. */
const elsewhere = ['demo', 'express-redis-fleet', 'instruments', 'testing-your-integration']

async function expectShown(name: string, printed: string): Promise<void> {
  const readme = await readFile(join(examples, name, 'README.md'), 'utf8')
  expect(readme).toContain(`    npm start --prefix examples/${name}\n`)
  expect(readme).toContain(`\`\`\`\n${printed.trim()}\n\`\`\`\n`)
}

it('knows all examples', async () => {
  const folders = (await readdir(examples)).filter((name) => !name.endsWith('.md'))
  expect(folders.sort()).toEqual([...inProcess, 'cluster', ...elsewhere].sort())
})

it.each(inProcess)('the example %s prints what its README shows', async (name) => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import(`../../examples/${name}/start.ts`)
  const printed = print.mock.calls.map((values) => values.join(' '))
  print.mockRestore()
  await expectShown(name, printed.join('\n'))
})

it('the example cluster, of three processes, prints what its README shows', async () => {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'start.ts'],
    { cwd: join(examples, 'cluster') },
  )
  expect(stderr).toBe('')
  await expectShown('cluster', stdout)
})

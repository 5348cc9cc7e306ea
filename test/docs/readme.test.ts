import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'

const root = join(import.meta.dirname, '../..')
let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'px-usage-readme-'))
  vi.stubEnv('PX_API_KEY', 'a-key-that-is-none')
  vi.stubEnv('PX_PRODUCT_KEY', 'AP-README123456-2')
  vi.stubEnv('PX_BASE_URL', 'http://127.0.0.1:9')
  vi.stubEnv('PX_USAGE_DIR', dir)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(dir, { recursive: true })
})

// The files are typechecked with everything else; what stands before the marker is what the README shows.
it.each(['express', 'koa'])('the lines for %s in the README run as they stand', async (framework) => {
  const source = await readFile(join(import.meta.dirname, `readme-${framework}.ts`), 'utf8')
  const [shown] = source.split('\n// ---')
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${(shown as string).trim()}\n\`\`\``)

  const { listener, meter } = await import(`./readme-${framework}.ts`)
  const server = await startServer(listener)
  expect((await send(`${server.url}/hello`)).body).toBe('hello')
  await vi.waitFor(async () =>
    expect(await meter().preview()).toMatchObject([{ identifyId: 'ann' }, { identifyId: 'ann' }]),
  )
  await server.close()
  await meter().close()
})

it('the README shows how to start and how to test in its first screen', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const firstScreen = readme.split('\n').slice(0, 50).join('\n')
  expect(firstScreen).toContain('npm start')
  expect(firstScreen).toContain('npm test')
})

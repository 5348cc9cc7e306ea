import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'

const root = join(import.meta.dirname, '../..')

it('the demo prints its addresses, a line per closed day, and what close() returned', async () => {
  const demo = spawn(
    process.execPath,
    ['--conditions=@px-usage/source', '--import', 'tsx', 'examples/demo/start.ts'],
    { cwd: root, env: { ...process.env, DEMO_DAY_MS: '2000' } },
  )
  let output = ''
  demo.stdout.on('data', (chunk) => (output += chunk))
  demo.stderr.on('data', (chunk) => (output += chunk))
  const exited = once(demo, 'exit')
  try {
    await vi.waitFor(
      () => expect(output.match(/closed: \d+ events sent, \d+ calls/g)?.length).toBeGreaterThan(1),
      {
        timeout: 30_000,
        interval: 100,
      },
    )
    demo.kill('SIGINT')
    const [code] = await exited
    expect(output).toMatch(/PX emulator +http:\/\/127\.0\.0\.1:\d+/)
    expect(output).toMatch(/close\(\) returned[\s\S]*lost: \{ calls: 0, lines: 0 \}/)
    expect(code).toBe(0)
  } finally {
    demo.kill('SIGKILL')
  }
})

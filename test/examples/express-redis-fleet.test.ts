import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { hasRedis } from '../support/redis-server.ts'

const root = join(import.meta.dirname, '../..')

function startFleet(env: NodeJS.ProcessEnv) {
  const args = ['--conditions=@px-usage/source', '--import', 'tsx', 'examples/express-redis-fleet/start.ts']
  const fleet = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env } })
  const output = { text: '' }
  fleet.stdout.on('data', (chunk) => (output.text += chunk))
  fleet.stderr.on('data', (chunk) => (output.text += chunk))
  return { fleet, output, exited: once(fleet, 'exit') }
}

it.skipIf(!hasRedis())(
  'the fleet prints for each day that PX has one event per user, with all calls',
  { timeout: 120_000 },
  async () => {
    const { fleet, output, exited } = startFleet({ FLEET_DAY_MS: '6000' })
    try {
      const days =
        /\d{4}-\d\d-\d\d: (\d+) requests of (\d+) users; in PX \2 events with \1 calls, one for each user\./g
      const hasShown = () => {
        expect(output.text).not.toContain('WRONG')
        expect(output.text.match(days)?.length, output.text).toBeGreaterThan(1)
        expect(output.text).toMatch(/Restarts so far: [1-9]/)
      }
      expect(await readFile(join(root, 'examples/express-redis-fleet/README.md'), 'utf8')).toMatch(days)
      await vi.waitFor(hasShown, { timeout: 100_000, interval: 200 })
      fleet.kill('SIGINT')
      expect(await exited).toEqual([0, null])
      expect(output.text).not.toContain('calls are lost')
    } finally {
      fleet.kill('SIGTERM')
    }
  },
)

it('the fleet says what to install where redis-server is missing', async () => {
  const { output, exited } = startFleet({ PATH: '' })
  expect(await exited).toEqual([1, null])
  expect(output.text).toMatch(/redis-server.*Install it: apt-get install redis-server/)
})

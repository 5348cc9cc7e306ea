import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startService } from '../../support/counting-service.ts'
import { runCli, tooWide } from '../../support/run-cli.ts'

test('endpoints shows calls, and --diff warns of what a deploy renamed', async () => {
  await using service = startService()
  service.call('ann', '/v1/users/:id', 3)
  service.call('bob', '/v1/users', 2)
  await service.meter.flush()
  const at = { env: { PX_USAGE_DIR: service.dir }, cwd: service.dir }
  const list = await runCli(['endpoints', '--json'], at)
  expect(JSON.parse(list.out)).toMatchObject([
    {
      days: ['2026-11-23'],
      endpoints: [
        { method: 'GET', route: '/v1/users/:id', calls: 3, isFolded: false },
        { method: 'GET', route: '/v1/users', calls: 2 },
      ],
    },
  ])
  writeFileSync(join(service.dir, 'same.json'), list.out)
  expect(await runCli(['endpoints', '--diff', 'same.json'], at)).toMatchObject({
    code: 0,
    out: expect.stringContaining('No endpoint was renamed'),
  })
  writeFileSync(join(service.dir, 'before.json'), list.out.replace(':id', ':userId'))
  const renamed = await runCli(['endpoints', '--diff', 'before.json'], at)
  expect(renamed.code).toBe(1)
  expect(renamed.out).toMatch(/renamed\n +before +GET \/v1\/users\/:userId\n +after +GET \/v1\/users\/:id/)
  expect(tooWide(renamed.out)).toEqual([])
  writeFileSync(join(service.dir, 'wrong.json'), '{}')
  expect(await runCli(['endpoints', '--diff', 'wrong.json'], at)).toMatchObject({ code: 2 })
  expect(await runCli(['endpoints', '--diff', 'none.json'], at)).toMatchObject({ code: 3 })
})

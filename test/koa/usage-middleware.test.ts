import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pxUsage } from '@px-usage/koa'
import Koa from 'koa'
import { expect, it, vi } from 'vitest'
import { send, startServer } from '../support/http-client.ts'
import { koaRoute, mount, ok, routers } from '../support/koa-cases.ts'
import { recordingMeter } from '../support/recording-meter.ts'

it('the middleware inside of mounts names calls with their prefixes, the first one too', async () => {
  const { meter, calls } = recordingMeter()
  const inner = new Koa().use(pxUsage({ meter, identify: () => ({ userId: 'ann' }) }))
  inner.use(koaRoute.get('/pets', ok)).use(koaRoute.get('/', ok))
  const server = await startServer(new Koa().use(mount('/v1', mount('/zoo', inner))).callback())
  for (const path of ['/v1/zoo/pets?x=1', '/v1/zoo/pets', '/v1/zoo']) await send(`${server.url}${path}`)
  await vi.waitFor(() => expect(calls).toHaveLength(3))
  expect(calls.map(({ route }) => route)).toEqual(['/v1/zoo/pets', '/v1/zoo/pets', '/v1/zoo'])
  await server.close()
})

it.each(routers)('the alias %s is the version in its name', (alias) => {
  const { version } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../node_modules', alias, 'package.json'), 'utf8'),
  ) as { version: string }
  expect(alias.endsWith(`-${Number(version.split('.')[0])}`)).toBe(true)
})

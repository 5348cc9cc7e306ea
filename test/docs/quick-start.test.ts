import { startEmulator } from 'px-emulator'
import { expect, it } from 'vitest'
import { startQuickStart } from '../support/quick-start-app.ts'
import { page } from './pages.ts'

it.each([
  ['quick-start-express', { 'x-user': 'ann', 'x-account': 'acme' }],
  ['quick-start-koa', { 'x-api-key': 'key-of-ann' }],
])('the app of %s sends its first event when it is interrupted', async (name, headers) => {
  const px = await startEmulator({ port: 0 })
  const app = await startQuickStart(name, { px })
  const response = await fetch(`${app.url}/v1/orders/7`, { headers })
  expect(await response.json()).toEqual({ id: '7' })
  expect(await app.interrupt()).toBe('')
  expect(px.events()).toMatchObject([
    {
      eventName: 'dailyApiCalls',
      identifyId: 'ann',
      accountId: 'acme',
      attributes: { apiCalls: 1 },
    },
    {
      eventName: 'dailyEndpointCalls',
      attributes: { apiCalls: 1, method: 'GET', endpoint: '/v1/orders/:id' },
    },
  ])
  await px.close()
})

it('the app of the chart has twelve lines', () => {
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(page('docs/quick-start.md')) ?? []
  expect(code.trim().split('\n')).toHaveLength(12)
})

it('the pages give the keys that the emulator has by itself', async () => {
  const { apiKey, productKey, close } = await startEmulator({ port: 0 })
  await close()
  const variables = `PX_BASE_URL=http://127.0.0.1:7070 PX_API_KEY=${apiKey} PX_PRODUCT_KEY=${productKey}`
  for (const path of ['README.md', 'docs/quick-start.md']) expect(page(path)).toContain(variables)
})

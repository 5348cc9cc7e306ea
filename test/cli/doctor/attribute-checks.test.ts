import type { PxResponse } from '@px-usage/core/adapter'
import { expect, test } from 'vitest'
import { checkAttributes } from '../../../packages/cli/src/doctor/attribute-checks.ts'

const respond = (status: number, body: string) => ({
  get: async (): Promise<PxResponse> => ({
    received: true,
    status,
    body,
    isComplete: true,
    retryAfter: undefined,
  }),
})

test('attributes of each kind are looked up once, and PX is not asked for a kind without names', async () => {
  const paths: string[] = []
  const px = {
    get: (path: string) => {
      paths.push(path)
      return respond(200, JSON.stringify([{ apiName: 'a', type: 'NUMBER', state: 'ENABLED' }])).get()
    },
  }
  const checks = await checkAttributes({ user: ['a', 'b'], account: [] }, px)
  expect(checks.map(({ verdict }) => verdict)).toEqual(['ok', 'failure'])
  expect(paths).toEqual(['/v1/admin/model/user/attributes'])
})

test('a response that is no list proves nothing', async () => {
  const names = { user: ['a'], account: [] }
  for (const px of [respond(200, '{}'), respond(200, '<'), respond(500, '')]) {
    expect(await checkAttributes(names, px)).toMatchObject([{ verdict: 'unknown' }])
  }
})

import { expect, it } from 'vitest'
import { checkAttributes } from '../../../packages/core/src/attributes/attribute-metadata.ts'
import type { Diagnostics } from '../../../packages/core/src/diagnostics.ts'
import type { PxResponse } from '../../../packages/core/src/px/delivery-result.ts'
import type { Permit } from '../../../packages/core/src/px/permit.ts'

const names = { user: { apiCalls: 'dailyApiCalls' }, account: { apiCalls: 'accountCalls' } }

function response(body: string, changes: object = {}): PxResponse {
  return {
    received: true,
    status: 200,
    retryAfter: undefined,
    body,
    isComplete: true,
    ...changes,
  } as PxResponse
}
const declaring = (...apiNames: string[]) =>
  response(JSON.stringify(apiNames.map((apiName) => ({ apiName, state: 'ACTIVE' }))))

async function check(
  responses: { user?: PxResponse; account?: PxResponse },
  { of = names, permit = 'granted' }: { of?: typeof names; permit?: Permit } = {},
) {
  const warnings: string[] = []
  const paths: string[] = []
  const published: object[] = []
  const diagnostics: Diagnostics = {
    publish: (_happening, message) => void published.push(message),
    warn: (_code, message) => void warnings.push(message),
    report() {},
  }
  const client = {
    async request({ method, path }: { method: string; path: string }) {
      paths.push(`${method} ${path}`)
      return responses[path.includes('/user/') ? 'user' : 'account'] as PxResponse
    },
  }
  await checkAttributes(of, { client, acquire: async () => permit, diagnostics })
  return { warnings, paths, published }
}

it('reads the lists of user and account attributes, and is content if both have the names', async () => {
  const { warnings, paths, published } = await check({
    user: declaring('email', 'dailyApiCalls'),
    account: declaring('accountCalls'),
  })
  expect(warnings).toEqual([])
  expect(paths).toEqual(['GET /v1/admin/model/user/attributes', 'GET /v1/admin/model/account/attributes'])
  expect(published).toEqual([
    { kind: 'user', declared: 2 },
    { kind: 'account', declared: 1 },
  ])
})

it('warns once about all attributes that PX does not have, with their kind', async () => {
  const { warnings } = await check({ user: declaring('dailyapicalls'), account: declaring() })
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('"dailyApiCalls" of the user, "accountCalls" of the account')
})

it.each(['DISABLED', 'DELETED'])('warns about an attribute that is %s', async (state) => {
  const user = response(JSON.stringify([{ apiName: 'dailyApiCalls', state }]))
  const { warnings } = await check({ user, account: declaring('accountCalls') })
  expect(warnings[0]).toContain('PX does not have the attribute "dailyApiCalls" of the user,')
})

it.each<[string, PxResponse]>([
  ['a key without the Read permission', response('{}', { status: 403 })],
  ['a body that was cut off', response('[]', { isComplete: false })],
  ['a page of a proxy', response('<html>')],
  ['an object', response('{"apiName":"x"}')],
  ['no response', { received: false, error: new Error('ECONNREFUSED'), maybeSent: false } as never],
])('does not warn after %s, which says nothing about the attributes', async (_what, user) => {
  const { warnings, published } = await check({ user, account: declaring('accountCalls') })
  expect(warnings).toEqual([])
  expect(published[0]).toEqual({ kind: 'user', declared: undefined })
})

it('ignores entries of a list that are no attributes', async () => {
  const user = response(JSON.stringify([null, 5, { apiName: 7 }, { apiName: 'dailyApiCalls' }]))
  expect((await check({ user, account: declaring('accountCalls') })).warnings).toEqual([])
})

it('makes no request for a kind without names, and none without a permit', async () => {
  const onlyAccounts = { user: {}, account: names.account }
  const { paths } = await check({ account: declaring('accountCalls') }, { of: onlyAccounts as typeof names })
  expect(paths).toEqual(['GET /v1/admin/model/account/attributes'])
  const refused = await check({}, { permit: 'budgetSpent' })
  expect([refused.paths, refused.warnings]).toEqual([[], []])
})

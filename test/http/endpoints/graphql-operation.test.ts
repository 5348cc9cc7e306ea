import { createMeter, graphqlOperation, memoryStore } from '@px-usage/http'
import { expect, it } from 'vitest'

it.each<[string, unknown, string | undefined]>([
  ['the name that the caller gives', { operationName: 'Orders', query: 'query Orders { id }' }, 'Orders'],
  ['the name of a persisted query', { operationName: 'Orders', extensions: {} }, 'Orders'],
  ['the only name in the document', { query: 'mutation AddOrder($id: ID) { add(id: $id) }' }, 'AddOrder'],
  ['a name that follows a fragment', { query: 'fragment A on B { id }\nsubscription C { d }' }, 'C'],
  ['the only operation of a list', [{ query: 'query Orders { id }' }], 'Orders'],
])('returns %s', (_what, request, name) => {
  expect(graphqlOperation(request)).toBe(name)
})

it.each<[string, unknown, string | undefined]>([
  ['a short document', { query: '{ orders { id } }' }, '(anonymous)'],
  ['an operation without a name', { query: 'query ($id: ID) { order(id: $id) { id } }' }, '(anonymous)'],
  ['an operation with a directive only', { query: 'query @cached { orders }' }, '(anonymous)'],
  ['fields that are called query', { query: '{ query mutation Orders { query B } }' }, '(anonymous)'],
  ['variables that are called query', { query: 'query ($query: Filter) { a }' }, '(anonymous)'],
  ['names in comments', { query: '# query Orders\n{ a }' }, '(anonymous)'],
  ['names in strings', { query: '{ a(b: "} query C", d: """ } query "E" """) }' }, '(anonymous)'],
  ['a fragment called query', { query: 'fragment query on subscription { a } { b }' }, '(anonymous)'],
  ['several operations in a document', { query: 'query A { a } query B { b }' }, '(batch)'],
  ['several operations in a list', [{ operationName: 'A' }, { operationName: 'B' }], '(batch)'],
])('folds %s', (_what, request, name) => {
  expect(graphqlOperation(request)).toBe(name)
})

it.each<[unknown]>([[''], [undefined], [null], [{}], [{ query: 'shoes' }], [{ query: { a: 1 } }]])(
  'returns undefined for what is not GraphQL: %j',
  (request) => {
    expect(graphqlOperation(request)).toBeUndefined()
  },
)

it.each([[{ a: 1 }], [7], ['<script>'], ['Orders\u202e'], ['a'.repeat(101)], ['Orders\n']])(
  'folds the hostile name %j',
  (operationName) => {
    expect(graphqlOperation({ operationName })).toBe('(invalid)')
  },
)

it.each([
  ['"'.repeat(300_001)],
  ['"""'.repeat(100_001)],
  ['{'.repeat(300_000)],
  ['"\\'.repeat(150_000)],
  [`{${'query '.repeat(50_000)}`],
])('reads a document of 300,000 hostile characters in less than a tenth of a second (%#)', (query) => {
  const msOfOne = () => {
    const start = performance.now()
    graphqlOperation({ query: `{${query}` })
    return performance.now() - start
  }
  // The best of three, because another process may have had the core in one of them.
  expect(Math.min(msOfOne(), msOfOne(), msOfOne())).toBeLessThan(100)
})

it('folds beyond limits.endpointsPerIdentity, and the totals stay exact', async () => {
  const meter = createMeter({
    dryRun: true,
    store: memoryStore(),
    limits: { endpointsPerIdentity: 3 },
    onError() {},
  })
  for (let call = 0; call < 50; call++) {
    const route = graphqlOperation({ operationName: `Made_up_${call}` })
    meter.record({ identity: { userId: 'ann' }, method: 'POST', route, statusCode: 200, aborted: false })
  }
  const [total, ...endpoints] = await meter.preview()
  expect(total?.attributes.apiCalls).toBe(50)
  expect(endpoints.map(({ attributes }) => attributes.endpoint).sort()).toEqual([
    '(overflow)',
    'Made_up_0',
    'Made_up_1',
    'Made_up_2',
  ])
  await meter.close()
})

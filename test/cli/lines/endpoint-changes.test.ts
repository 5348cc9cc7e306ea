import { expect, test } from 'vitest'
import { endpointChanges } from '../../../packages/cli/src/lines/endpoint-changes.ts'

const get = (...routes: string[]) => routes.map((route) => ({ method: 'GET', route }))

test.each([
  ['nothing changes', ['/a'], ['/a'], []],
  ['a parameter is renamed', ['/u/:id'], ['/u/:userId'], [['renamed', ['/u/:id'], ['/u/:userId']]]],
  ['two routes become one', ['/u/me', '/u/you'], ['/u/:id'], [['merged', ['/u/me', '/u/you'], ['/u/:id']]]],
  [
    'one that exists takes over another',
    ['/u/me', '/u/:id'],
    ['/u/:id'],
    [['merged', ['/u/me', '/u/:id'], ['/u/:id']]],
  ],
  ['one route becomes two', ['/u/:id'], ['/u/a', '/u/b'], [['split', ['/u/:id'], ['/u/a', '/u/b']]]],
  [
    'others come and go',
    ['/a'],
    ['/b/c'],
    [
      ['gone', ['/a'], []],
      ['new', [], ['/b/c']],
    ],
  ],
] as const)('%s', (_, before, after, expected) => {
  const text = (routes: readonly string[]) => routes.map((route) => `GET ${route}`)
  expect(endpointChanges(get(...before), get(...after))).toEqual(
    expected.map(([kind, from, to]) => ({ kind, before: text(from), after: text(to) })),
  )
})

test('endpoints of different methods are not compared', () => {
  expect(endpointChanges([{ method: 'POST', route: '/u/:a' }], get('/u/:b')).map(({ kind }) => kind)).toEqual(
    ['gone', 'new'],
  )
})

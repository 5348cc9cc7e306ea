import { expect, test } from 'vitest'
import { failure, ok, unknown, warning } from '../../../../packages/cli/src/doctor/check.ts'
import { checkCluster, worstOfNodes } from '../../../../packages/cli/src/doctor/store/redis-cluster.ts'

test('of several nodes the worst check of each name is shown, with its node', () => {
  const found = worstOfNodes([
    { name: 'a:1', checks: [ok('Redis', 'Redis 7 responds.'), warning('Redis policy', 'Bad.', 'Do it.')] },
    { name: 'b:1', checks: [ok('Redis', 'Redis 7 responds.'), failure('Redis policy', 'Worse.', 'Do it.')] },
    { name: 'c:1', checks: [unknown('Redis', 'why'), ok('Redis policy', 'Good.')] },
  ])
  expect(found.map(({ verdict, found }) => [verdict, found])).toEqual([
    ['unknown', 'c:1: not checked: why'],
    ['failure', 'b:1: Worse.'],
  ])
})

test('a cluster that does not serve all slots is a failure', async () => {
  const node = (name: string, reply: () => string) => ({ name, send: async () => reply() })
  const up = node('a:1', () => 'cluster_state:ok\r\ncluster_slots_ok:16384\r\n')
  const down = node('b:1', () => 'cluster_state:fail\r\ncluster_slots_ok:10922\r\n')
  const hidden = node('c:1', () => {
    throw new Error("NOPERM User px has no permissions to run the 'cluster|info' command")
  })
  expect((await checkCluster({ nodes: [up, hidden] })).verdict).toBe('ok')
  expect(await checkCluster({ nodes: [up, down] })).toMatchObject({
    verdict: 'failure',
    found: 'b:1: cluster_state is fail, 10922 of 16384 slots are served.',
  })
})

import { expect, test } from 'vitest'
import { allUnknown, failure, ok, warning } from '../../../packages/cli/src/doctor/check.ts'

test('a check has a verdict, and what could not be checked says so', () => {
  expect(ok('a', 'Fine.')).toEqual({ name: 'a', verdict: 'ok', found: 'Fine.' })
  expect(warning('a', 'Odd.', 'Change it.')).toMatchObject({ verdict: 'warning', cure: 'Change it.' })
  expect(failure('a', 'Bad.', 'Mend it.')).toMatchObject({ verdict: 'failure', cure: 'Mend it.' })
  expect(allUnknown(['a', 'b'], 'PX is silent')).toEqual([
    { name: 'a', verdict: 'unknown', found: 'not checked: PX is silent' },
    { name: 'b', verdict: 'unknown', found: 'not checked: PX is silent' },
  ])
})

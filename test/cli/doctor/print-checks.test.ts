import { expect, test } from 'vitest'
import { allUnknown, failure, ok } from '../../../packages/cli/src/doctor/check.ts'
import { printChecks } from '../../../packages/cli/src/doctor/print-checks.ts'
import { createOutput } from '../../../packages/cli/src/output.ts'
import { tooWide } from '../../support/run-cli.ts'

test('checks are printed with their cures, and unknown ones of one reason together', () => {
  let out = ''
  const stdout = {
    write(text: string) {
      out += text
    },
  }
  const output = createOutput({ stdout, stderr: stdout, env: {}, isJson: false })
  printChecks(output, 'PX', [
    ok('clock', 'Fine.'),
    failure('product key', `It is ${'very '.repeat(20)}wrong.`, 'Correct \u001b[2J it.'),
    ...allUnknown(['senders', 'filters'], 'PX is silent'),
  ])
  expect(out.split('\n')).toEqual([
    'PX',
    '  ok       clock        Fine.',
    '  FAILURE  product key  It is very very very very very very very very very very',
    '                        very very very very very very very very very very wrong.',
    '                        Cure: Correct \\x1b[2J it.',
    '  -        not checked  senders, filters: PX is silent',
    '',
  ])
  expect(tooWide(out)).toEqual([])
})

import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { Surroundings } from '../../packages/cli/src/command.ts'
import { confirm } from '../../packages/cli/src/confirm.ts'

async function confirmed(input: string, isTTY: boolean, isSure = false): Promise<number> {
  const stdin = Object.assign(Readable.from(input === '' ? [] : [input]), { isTTY })
  const surroundings = { stdin, stderr: { write() {} } } as unknown as Surroundings
  return confirm('Sure?', { isSure, surroundings }).then(
    () => 0,
    (error) => error.exitCode,
  )
}

test('only yes confirms; the end of the input, or anything else, cancels', async () => {
  expect(await Promise.all(['y\n', ' YES \n'].map((input) => confirmed(input, true)))).toEqual([0, 0])
  expect(await Promise.all(['n\n', '\n', 'yup\n', ''].map((input) => confirmed(input, true)))).toEqual([
    4, 4, 4, 4,
  ])
})

test('without a terminal only --yes confirms', async () => {
  expect([await confirmed('y\n', false), await confirmed('', false, true)]).toEqual([2, 0])
})

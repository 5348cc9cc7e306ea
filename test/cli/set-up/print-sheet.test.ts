import { expect, test } from 'vitest'
import { createOutput } from '../../../packages/cli/src/output.ts'
import { printSheet } from '../../../packages/cli/src/set-up/print-sheet.ts'
import { setUpSheet } from '../../../packages/cli/src/set-up/set-up-sheet.ts'
import { tooWide } from '../../support/run-cli.ts'

test('long names and control characters of the app stay within 80 columns and are printable', () => {
  let out = ''
  const stdout = {
    write(text: string) {
      out += text
    },
  }
  const name = `\u001b[2J${'long'.repeat(40)}`
  const sheet = setUpSheet(
    {
      ...{ events: new Map([['dailyApiCalls', new Map([[name, 'number' as const]])]]), rollups: undefined },
      attributes: { user: new Set([name]), account: new Set() },
    },
    { user: [], account: [] },
    { address: 'https://api.aptrinsic.com', productKey: undefined, timeZone: 'UTC' },
  )
  printSheet(sheet, createOutput({ stdout, stderr: stdout, env: {}, isJson: false }))
  expect(tooWide(out)).toEqual([])
  expect(out).not.toContain('\u001b')
  expect(out).toContain('Administration > Products')
})

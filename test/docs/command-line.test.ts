import { describe, expect, it } from 'vitest'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { exitCodes } from '../../packages/cli/src/exit-codes.ts'
import { settingsOf } from '../../packages/cli/src/settings.ts'
import { tableOf } from './pages.ts'

const page = 'docs/command-line.md'
const code = (text: string) => (text === '' ? '' : `\`${text}\``)

describe('docs/command-line.md', () => {
  it('lists every command with its summary, in the order of the help', () => {
    expect(tableOf(page, 'Commands')).toEqual(commands.map(({ name, summary }) => [code(name), summary]))
  })

  it('lists every exit code', () => {
    const documented = tableOf(page, 'Exit codes').map(([number]) => Number(number))
    expect(documented).toEqual(Object.values(exitCodes))
  })

  it('lists every setting with its flag, variable and default', () => {
    const settings = settingsOf(['store', 'px']).map(([name, { flag = '', env, default: standard = '' }]) => [
      code(name),
      code(flag.split(' ')[0] ?? ''),
      code(env),
      code(standard),
    ])
    expect(tableOf(page, 'Settings')).toEqual(settings)
  })
})

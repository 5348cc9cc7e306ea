import { describe, expect, it, test } from 'vitest'
import { commands } from '../../packages/cli/src/commands/index.ts'
import { runCli, tooWide } from '../support/run-cli.ts'

describe('the help', () => {
  it('lists every command, within 80 columns', async () => {
    const { code, out, err } = await runCli(['--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const { name } of commands) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(tooWide(out)).toEqual([])
  })

  it.each(commands.map(({ name }) => name))(
    'of %s has its options and fits into 80 columns',
    async (name) => {
      const { code, out, err } = await runCli([name, '--help'])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain(`Usage: px-usage ${name}`)
      expect(out).toContain('--json')
      expect(tooWide(out)).toEqual([])
      expect((await runCli(['help', name])).out).toBe(out)
    },
  )
})

describe('wrong arguments give one clear line and exit code 2:', () => {
  test.each([
    [[], 'px-usage: Give a command. `px-usage --help` lists them.\n'],
    [['emulatr'], /^px-usage: .*emulatr.*emulator.*\n$/],
    [['emulator', '--prot', '1'], /^px-usage: Unknown option '--prot' \(Did you mean --port\?\) .*\n$/],
    [['emulator', '--port'], /^px-usage: Option '--port <port>' argument missing\. .*\n$/],
    [['emulator', 'more'], /^px-usage: .*argument.*\n$/],
  ])('%j', async (args, message) => {
    const { code, out, err } = await runCli(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
  })
})

test('the version is that of the package', async () => {
  expect(await runCli(['--version'])).toEqual({ code: 0, out: '0.1.0\n', err: '' })
})

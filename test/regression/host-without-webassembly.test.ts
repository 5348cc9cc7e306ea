import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { startScriptedPx } from '../support/scripted-px.ts'

const child = join(import.meta.dirname, '../support/send-one-event-child.ts')
const flags = ['--conditions=@px-usage/source', '--import', 'tsx']

it.each([[[]], [['--jitless']], [['--disallow-code-generation-from-strings']]])(
  'a process that is started with %j sends its events',
  async (hardening) => {
    const px = await startScriptedPx()
    const { stderr } = await promisify(execFile)(process.execPath, [...hardening, ...flags, child, px.url])
    expect(stderr).not.toContain('Error')
    expect(px.events.map(({ eventName }) => eventName)).toEqual(['Report Made'])
    await px.close()
  },
)

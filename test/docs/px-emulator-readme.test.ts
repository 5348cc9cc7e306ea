import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defaultSwitches, type Switches, switchValues } from '../../packages/px-emulator/src/switches.ts'

const readme = await readFile(join(import.meta.dirname, '../../packages/px-emulator/README.md'), 'utf8')

test('the README shows the example that runs here', async () => {
  const source = await readFile(join(import.meta.dirname, 'px-emulator-example.test.ts'), 'utf8')
  const [shown] = source.split('\n// ---')
  expect(readme).toContain(`\`\`\`ts\n${(shown as string).trim()}\n\`\`\``)
})

test('the README lists every switch with its values and its default, and no other', () => {
  const table = readme.split('## Behaviour that is not publicly known')[1]?.split('\n## ')[0] ?? ''
  const listed = [...table.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)].map(
    ([, name, values]) => `${name}: ${values}`,
  )
  expect(listed).toEqual(
    Object.entries(defaultSwitches).map(([name, value]) => `${name}: ${valuesOf(name, value)}`),
  )
})

/** The values of a switch, the default bold. */
function valuesOf(name: string, value: unknown): string {
  const values = switchValues(name as keyof Switches)
  if (values.startsWith('number')) return `${values}, **${value}**`
  return values.replace(new RegExp(`\\b${value}\\b`), '**$&**')
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'

const folder = join(import.meta.dirname, '../../examples/testing-your-integration')

// The tests of the example run here, without a process of their own.
vi.mock('node:test', () => ({ default: it }))
await import('../../examples/testing-your-integration/app.test.ts')

it('the README of the example shows its tests', async () => {
  const tests = await readFile(join(folder, 'app.test.ts'), 'utf8')
  const passed = [...tests.matchAll(/^test\('(.*)', async/gm)].map(([, title]) => `✔ ${title} (…ms)`)
  expect(passed).toHaveLength(3)
  const readme = await readFile(join(folder, 'README.md'), 'utf8')
  expect(readme).toContain('    npm test --prefix examples/testing-your-integration\n')
  expect(readme).toContain(`\`\`\`\n${passed.join('\n')}\n\`\`\`\n`)
})

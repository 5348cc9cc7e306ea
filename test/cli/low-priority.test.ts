import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('a command gives way to the service on its machine', () => {
  const file = JSON.stringify(join(import.meta.dirname, '../../packages/cli/src/low-priority.ts'))
  const script = `import { getPriority } from 'node:os'; import { lowerPriority } from ${file}
lowerPriority(); console.log(getPriority())`
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' })
  expect(Number(stdout)).toBe(constants.priority.PRIORITY_LOW)
})

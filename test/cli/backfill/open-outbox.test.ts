import { createPastDays } from '@px-usage/core/adapter'
import { expect, it } from 'vitest'
import { openOutbox } from '../../../packages/cli/src/backfill/open-outbox.ts'
import { parseSettings } from '../../../packages/cli/src/settings.ts'

it.each([
  [{ dir: '/dev/null/x' }, '/dev/null/x'],
  [{ redis: 'redis://127.0.0.1:1' }, 'not to Redis yet'],
])('a store that cannot be used is reported: %j', async (flags, message) => {
  const settings = parseSettings({ flags, env: {}, file: undefined, cwd: '/' })
  const past = createPastDays({ productKey: 'AP-X-2', onProblem() {} })
  await expect(openOutbox(settings, past)).rejects.toThrow(message)
})

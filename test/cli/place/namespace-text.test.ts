import { expect, test } from 'vitest'
import { isDryRun, namespaceText } from '../../../packages/cli/src/place/namespace-text.ts'

test.each([
  ['api.aptrinsic.com.3f9a1c2b', 'AP-A-2, api.aptrinsic.com, UTC', false],
  ['local-127.0.0.1_7070.3f9a1c2b', 'AP-A-2, http://127.0.0.1:7070, UTC', false],
  ['dry-run.3f9a1c2b', 'AP-A-2, dry run, UTC', true],
  ['', 'AP-A-2, UTC', false],
])('the namespace at %j reads as %j', (destination, text, dry) => {
  const namespace = { product: 'AP-A-2', destination, timeZone: 'UTC' }
  expect(namespaceText(namespace)).toBe(text)
  expect(isDryRun(namespace)).toBe(dry)
})

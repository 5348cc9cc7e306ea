import { expect, test } from 'vitest'
import { checkStoreSenders } from '../../../../packages/cli/src/doctor/store/store-senders.ts'

const reader = (
  timeZone: string,
  state: 'alive' | 'dead' = 'alive',
  destination = 'api.aptrinsic.com.1',
) => ({
  namespace: { product: 'AP-ABC-2', destination, timeZone },
  sender: async () => ({ id: 'a', host: undefined, state }),
})
const verdictOf = async (...readers: Array<ReturnType<typeof reader>>) =>
  (await checkStoreSenders(readers)).verdict

test('two living senders of one product in two zones are a warning', async () => {
  expect(await verdictOf(reader('UTC'))).toBe('ok')
  expect(await verdictOf(reader('UTC'), reader('Asia/Tokyo', 'dead'))).toBe('ok')
  expect(await verdictOf(reader('UTC'), reader('Asia/Tokyo', 'alive', 'other.example.2'))).toBe('ok')
  expect(await verdictOf(reader('UTC'), reader('Asia/Tokyo', 'alive', 'dry-run.1'))).toBe('ok')
  expect(await verdictOf(reader('UTC', 'dead'))).toBe('unknown')
  const check = await checkStoreSenders([reader('UTC'), reader('Asia/Tokyo')])
  expect(check).toMatchObject({ verdict: 'warning', found: expect.stringContaining('Asia/Tokyo and UTC') })
})

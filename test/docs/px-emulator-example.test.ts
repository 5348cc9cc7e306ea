import { startEmulator } from 'px-emulator'
import { expect, test } from 'vitest'

test('an event whose response was lost is sent again', async () => {
  const px = await startEmulator({ port: 0 })
  px.addFault({ method: 'POST', url: '/v1/events/*', times: 1, fault: { reset: true, store: true } })

  await sendUsage(px.url, px.apiKey, { userId: 'ann', apiCalls: 120 })

  expect(px.requests.map(({ status }) => status)).toEqual([null, 201])
  expect(px.events()).toHaveLength(2) // PX does not detect repeats
  await px.close()
})
// ---

/** A sender such as the one that the reader tests. */
async function sendUsage(
  url: string,
  apiKey: string,
  { userId, apiCalls }: { userId: string; apiCalls: number },
) {
  const event = {
    eventName: 'dailyApiCalls',
    identifyId: userId,
    propertyKey: 'AP-DEMOEMULATOR-2',
    userType: 'USER',
    attributes: { apiCalls },
  }
  const post = () =>
    fetch(`${url}/v1/events/custom`, {
      method: 'POST',
      headers: { 'X-APTRINSIC-API-KEY': apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify(event),
    })
  await post().catch(post)
}

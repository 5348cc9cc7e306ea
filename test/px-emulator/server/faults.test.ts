import { expect, test } from 'vitest'
import { control, emulator, event, find, post, start } from '../../support/started-emulator.ts'

test.each([500, 502, 503, 504])('%i, with the event stored or not', async (status) => {
  await start()
  emulator.addFault({ fault: { status }, times: 1 })
  emulator.addFault({ fault: { status, store: true } })
  expect([(await post(event)).status, emulator.events().length]).toEqual([status, 0])
  expect([(await post(event)).status, emulator.events().length]).toEqual([status, 1])
})

test('a connection cut before or after storing', async () => {
  await start()
  emulator.addFault({ fault: { reset: true }, times: 1 })
  emulator.addFault({ fault: { reset: true, store: true } })
  await expect(post(event)).rejects.toThrow('fetch failed')
  expect(emulator.events()).toHaveLength(0)
  await expect(post(event)).rejects.toThrow('fetch failed')
  expect(emulator.events()).toHaveLength(1)
  expect(emulator.requests.map(({ status }) => status)).toEqual([null, null])
})

test('an event is stored after a delay, and before slow headers, when the sender times out', async () => {
  await start()
  const impatient = () =>
    fetch(`${emulator.url}/v1/events/custom`, {
      method: 'POST',
      headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(200),
    })
  emulator.addFault({ fault: { delayMs: 60_000 }, times: 1 })
  emulator.addFault({ fault: { slowHeadersMs: 60_000 } })
  await expect(impatient()).rejects.toThrow('timeout')
  expect(emulator.events()).toHaveLength(0)
  await expect(impatient()).rejects.toThrow('timeout')
  expect(emulator.events()).toHaveLength(1)
})

test('a body that comes slowly, breaks off, or has no end in sight', async () => {
  await start({ switches: { createdBody: 'json' } })
  emulator.addFault({ fault: { slowBodyMs: 60_000 }, times: 1 })
  emulator.addFault({ fault: { truncate: true }, times: 1 })
  emulator.addFault({ fault: { giantBytes: 3_000_000 } })
  const send = (signal: AbortSignal | null = null) =>
    fetch(`${emulator.url}/v1/events/custom`, {
      method: 'POST',
      headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
      body: JSON.stringify(event),
      signal,
    })
  const patience = new AbortController()
  const slow = await send(patience.signal)
  expect(slow.status).toBe(201)
  patience.abort()
  await expect(slow.text()).rejects.toThrow('abort')
  const cut = await send()
  expect(cut.status).toBe(201)
  await expect(cut.text()).rejects.toThrow('terminated')
  expect((await (await send()).text()).length).toBe(3_000_000)
  expect(emulator.events()).toHaveLength(3)
})

test('a rule matches by method, path and body, lets some pass, and ends', async () => {
  await start()
  const id = emulator.addFault({
    fault: { status: 503 },
    method: 'post',
    url: '/v1/events/*',
    bodyIncludes: '"ann"',
    skip: 1,
    times: 2,
  })
  const statuses: number[] = []
  for (let turn = 0; turn < 4; turn += 1) statuses.push((await post(event)).status)
  expect(statuses).toEqual([201, 503, 503, 201])
  expect((await post({ ...event, identifyId: 'bob' })).status).toBe(201)
  expect((await find('')).status).toBe(200)
  emulator.removeFault(id)
  expect((await control('GET', 'faults')).body).toEqual([])
})

test('a share of the requests breaks, the same ones for the same seed', async () => {
  const broken = async (seed: number) => {
    await start({ seed, switches: { requestsPerSecond: null } })
    emulator.addFault({ fault: { status: 503 }, probability: 0.3 })
    const statuses: number[] = []
    for (let turn = 0; turn < 100; turn += 1) statuses.push((await post(event)).status)
    await emulator.close()
    return statuses
  }
  const first = await broken(7)
  expect(await broken(7)).toEqual(first)
  expect(await broken(8)).not.toEqual(first)
  const share = first.filter((status) => status === 503).length
  expect(share).toBeGreaterThan(15)
  expect(share).toBeLessThan(45)
})

test('a fault that can never be meant is refused with the reason', async () => {
  await start()
  expect(() => emulator.addFault({ fault: { satus: 500 } as object })).toThrow('satus')
  expect(() => emulator.addFault({ fault: { status: 99 } })).toThrow('between 200 and 599')
  expect(() => emulator.addFault({ fault: {}, probability: 2 })).toThrow('between 0 and 1')
  expect((await control('POST', 'faults', {})).status).toBe(400)
})

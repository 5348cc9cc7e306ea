import type { Emulator } from 'px-emulator'

const dayMs = 86_400_000
const accounts = [
  { id: 'acme', users: 4, base: 260, firstDay: 0 },
  { id: 'globex', users: 3, base: 210, firstDay: 0 },
  { id: 'initech', users: 2, base: 150, firstDay: 0 },
  { id: 'umbrella', users: 2, base: 95, firstDay: 44 },
]

/** What a small service sends in 90 days up to 2026-11-23: quiet weekends, growth, and one account that joins later. */
export async function sendNinetyDays(emulator: Emulator): Promise<void> {
  emulator.setSwitches({ requestsPerSecond: null })
  for (const kind of ['user', 'account'] as const) {
    emulator.declareAttributes(kind, [{ apiName: 'apiCallsYesterday', type: 'NUMBER' }, { apiName: 'plan' }])
  }
  const propertyKeys = [emulator.productKey]
  for (const { id, users } of accounts) {
    await send(emulator, 'accounts', { id, name: id, propertyKeys, customAttributes: { plan: 'Team' } })
    for (let user = 1; user <= users; user += 1) {
      const customAttributes = { plan: user % 2 === 0 ? 'Free' : 'Pro', seats: 3 }
      await send(emulator, 'users', {
        identifyId: `${id}-${user}`,
        accountId: id,
        propertyKeys,
        customAttributes,
      })
    }
  }
  for (let day = 0; day < 90; day += 1) {
    for (const account of accounts.filter(({ firstDay }) => firstDay <= day))
      await sendDay(emulator, account, day)
  }
}

async function sendDay(emulator: Emulator, { id, users, base }: (typeof accounts)[number], day: number) {
  const date = Date.UTC(2026, 10, 23, 12) - (89 - day) * dayMs
  const weekend = [0, 6].includes(new Date(date).getUTCDay()) ? 0.35 : 1
  for (let user = 1; user <= users; user += 1) {
    const wave = 1 + 0.12 * Math.sin(day * 2.7 + user * 1.9 + base)
    const apiCalls = Math.round(base * weekend * (0.7 + day / 200) * (0.6 + user / users) * wave)
    const event = {
      eventName: 'dailyApiCalls',
      identifyId: `${id}-${user}`,
      accountId: id,
      propertyKey: emulator.productKey,
      userType: 'USER',
      date,
      attributes: {
        timestamp: date,
        apiCalls,
        clientErrors: Math.round(apiCalls / 50),
        serverErrors: Math.round(apiCalls / 300),
        aborted: 0,
        apiType: 'RESTful',
        day: new Date(date).toISOString().slice(0, 10),
        timeZone: 'UTC',
      },
    }
    await send(emulator, 'events/custom', event)
    if (day === 89) {
      const customAttributes = { apiCallsYesterday: apiCalls }
      await send(emulator, `users/${id}-${user}`, { customAttributes }, 'PUT')
    }
  }
}

async function send(emulator: Emulator, path: string, body: object, method = 'POST'): Promise<void> {
  const headers = { 'X-APTRINSIC-API-KEY': emulator.apiKey, 'Content-Type': 'application/json' }
  const answer = await fetch(`${emulator.url}/v1/${path}`, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
}

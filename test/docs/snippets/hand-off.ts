import { open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

/** Sends the lines of an export to PX, one after the other, and returns their number. */
export async function handOff(path: string): Promise<number> {
  const url = `${process.env.PX_BASE_URL ?? 'https://api.aptrinsic.com'}/v1/events/custom`
  const headers = {
    'X-APTRINSIC-API-KEY': process.env.PX_API_KEY ?? '',
    'Content-Type': 'application/json',
  }
  const file = await open(path)
  let sent = 0
  for await (const body of file.readLines()) {
    for (;;) {
      const { status } = await fetch(url, { method: 'POST', headers, body })
      if (status === 201) break
      if (status !== 429) throw new Error(`Line ${sent + 1}: PX returned ${status}.`)
      await wait(1_000)
    }
    sent += 1
  }
  return sent
}

// ---

import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const path = join(tmpdir(), `px-usage-hand-off-${process.pid}.ndjson`)
const event = { eventName: 'dailyApiCalls', identifyId: 'ann', userType: 'USER', date: Date.now() }
const body = JSON.stringify({ ...event, propertyKey: process.env.PX_PRODUCT_KEY })
await writeFile(path, `${body}\n${body}\n`)
console.log(`sent ${await handOff(path)}`)
await writeFile(path, `${body}\n{}\n`)
console.log(await handOff(path).catch((error: Error) => error.message))

export const shown = /sent 2'\n'Line 2: PX returned 400/

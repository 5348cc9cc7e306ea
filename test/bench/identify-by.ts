import { createMeter, identifyBy, memoryStore } from '@px-usage/core'

/**
 * What `identifyBy` costs for a credential that is known, beside an `identify` that answers at once, each with the counting of
 * the call: ns, and bytes of heap that it allocates. Credentials are new strings, as if they came out of a header. Run with
 * `node --expose-gc --conditions=@px-usage/source --import tsx`.
 */
const credentials = 1_000
const callsPerRound = 50_000
const rounds = 30

const call = { method: 'GET', route: '/v1/users/:id', statusCode: 200, aborted: false }
const owner = (credential: string) => ({ userId: credential, accountId: `account-${credential.length}` })
const ways = {
  'identify answers at once': owner,
  'identifyBy, known': identifyBy<string>({
    credential: (key) => key,
    lookup: (key) => Promise.resolve(owner(key)),
  }),
}

/** A string that no other shares its memory with, and that nobody hashed. */
function fresh(at: number): string {
  return Buffer.from(`sk_live_0123456789abcdef_${at}`, 'latin1').toString('latin1')
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

console.log('| Way | median | least of the rounds | allocated per call |\n|---|--:|--:|--:|')
for (const [name, identify] of Object.entries(ways)) {
  const meter = createMeter({ dryRun: true, store: memoryStore() })
  const ns: number[] = []
  let allocated = 0
  for (let round = -3; round < rounds; round++) {
    const keys = Array.from({ length: callsPerRound }, (_, at) => fresh(at % credentials))
    globalThis.gc?.()
    const heapBefore = process.memoryUsage().heapUsed
    const startNs = process.hrtime.bigint()
    for (const key of keys) meter.record({ ...call, identity: identify(key) as never })
    const tookNs = Number(process.hrtime.bigint() - startNs) / callsPerRound
    const bytes = process.memoryUsage().heapUsed - heapBefore
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (round < 0) continue
    ns.push(tookNs)
    allocated += bytes
  }
  const cells = [median(ns), Math.min(...ns)].map((value) => `${Math.round(value)} ns`)
  console.log(`| ${name} | ${cells.join(' | ')} | ${Math.round(allocated / rounds / callsPerRound)} B |`)
  await meter.close()
}

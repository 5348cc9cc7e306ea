import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import autocannon from 'autocannon'
import { cases } from './apps.mjs'

// What each middleware adds to a call: every case in a process of its own, in rounds, paired with bare of the same round. V8 compiles
// the same code differently in each process, worth some us: so the processes are started anew a few times, and each start
// gives one value, the median of its rounds.
const starts = Number(process.env.STARTS ?? 5)
const rounds = Number(process.env.ROUNDS ?? 5)
const warmUps = 2
const requests = Number(process.env.REQUESTS ?? 5_000)
const seconds = Number(process.env.SECONDS ?? 1)
const modes = process.env.MODE ? [process.env.MODE] : ['in process', 'over sockets']

/** Takes what the peers report. */
const sink = createServer((req, res) => {
  req.resume()
  res.setHeader('content-type', 'application/json')
  res.end('{}')
})
await new Promise((resolve) => sink.listen(0, '127.0.0.1', resolve))
const sinkUrl = `http://127.0.0.1:${sink.address().port}`
const env = {
  ...process.env,
  BENCH_SINK: sinkUrl,
  APITALLY_HUB_BASE_URL: sinkUrl,
  NODE_ENV: 'production',
  DEBUG: '',
}

const answer = (child, type) =>
  new Promise((resolve) => {
    const listen = (message) => {
      if (message.type !== type) return
      child.off('message', listen)
      resolve(message)
    }
    child.on('message', listen)
  })

async function start(framework, name) {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc']
  const child = fork(new URL('server.mjs', import.meta.url), [framework, name], { env, stdio })
  const { port } = await answer(child, 'listening')
  return { name, child, port }
}

/**
 * Keeps the event loop of this process from sleeping, until what is returned is called. A write to a connection whose other side
 * sleeps has to wake its CPU, which in a virtual machine costs the server 10 us: a server that is a little slower lets the
 * client sleep more often, and would pay for that too.
 */
function keepAwake() {
  let next = setImmediate(function again() {
    next = setImmediate(again)
  })
  return () => clearImmediate(next)
}

const runs = {
  async 'in process'({ child }) {
    const done = answer(child, 'run')
    child.send({ type: 'run', requests })
    return { usPerCall: (await done).cpuUs / requests }
  },
  async 'over sockets'({ child, port }) {
    const cpu = async () => {
      const told = answer(child, 'cpu')
      child.send({ type: 'cpu' })
      return (await told).totalCpuUs
    }
    const before = await cpu()
    let user = 0
    const sleep = keepAwake()
    const { requests: made, latency } = await autocannon({
      url: `http://127.0.0.1:${port}`,
      connections: 32,
      duration: seconds,
      requests: [
        {
          setupRequest(request) {
            user = (user * 16_807 + 11) % 2_147_483_647
            const id = user % 1_000
            return {
              ...request,
              path: `/v1/users/${id}`,
              headers: { 'x-user': `user-${id}`, 'x-account': `account-${id % 50}` },
            }
          },
        },
      ],
    })
    sleep()
    return {
      usPerCall: ((await cpu()) - before) / made.total,
      perSecond: made.total / seconds,
      p99: latency.p99,
    }
  },
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
/** With the least and the most. */
const spread = (values, digits) =>
  `${median(values).toFixed(digits)} [${Math.min(...values).toFixed(digits)}, ${Math.max(...values).toFixed(digits)}]`

const measures = {
  'added us': { of: (one, bare) => one.usPerCall - bare.usPerCall, digits: 1 },
  'CPU ratio': { of: (one, bare) => one.usPerCall / bare.usPerCall, digits: 3 },
  'throughput ratio': { of: (one, bare) => one.perSecond / bare.perSecond, digits: 3, mode: 'over sockets' },
  'p99 ratio': { of: (one, bare) => one.p99 / bare.p99, digits: 2, mode: 'over sockets' },
}

/** @returns of each case what its rounds came to */
async function measureOnce(framework, mode, names) {
  const servers = await Promise.all(names.map((name) => start(framework, name)))
  const results = new Map(names.map((name) => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    // Another order each round, so that no case always follows the same one.
    const order = servers.map((_, index) => servers[(index + (round + warmUps) * 3) % servers.length])
    for (const server of order) {
      const result = await runs[mode](server)
      if (round >= 0) results.get(server.name).push(result)
    }
  }
  for (const { child } of servers) child.kill('SIGKILL')
  return results
}

for (const framework of process.env.FRAMEWORK ? [process.env.FRAMEWORK] : ['express', 'koa']) {
  for (const mode of modes) {
    const names = process.env.CASES?.split(';') ?? cases[framework]
    const columns = Object.entries(measures).filter(([, { mode: only = mode }]) => only === mode)
    const values = new Map(names.map((name) => [name, columns.map(() => [])]))
    const bareUs = []
    for (let again = 0; again < starts; again++) {
      const results = await measureOnce(framework, mode, names)
      const bare = results.get('bare')
      bareUs.push(median(bare.map(({ usPerCall }) => usPerCall)))
      for (const [name, own] of results) {
        columns.forEach(([, { of }], column) => {
          values.get(name)[column].push(median(own.map((one, round) => of(one, bare[round]))))
        })
      }
    }
    console.log(
      `\n### ${framework}, ${mode}: bare ${median(bareUs).toFixed(1)} us of CPU per request; ${starts} starts of ${rounds} rounds, medians [least, most], Node ${process.versions.node}\n`,
    )
    console.log(`| Case | ${columns.map(([column]) => column).join(' | ')} |`)
    console.log(`| --- |${' --: |'.repeat(columns.length)}`)
    for (const [name, all] of values) {
      console.log(
        `| ${name} | ${all.map((own, column) => spread(own, columns[column][1].digits)).join(' | ')} |`,
      )
    }
  }
}
sink.close()

import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import autocannon from 'autocannon'
import { cases } from './apps.mjs'

// What each middleware adds to a call: every case in a process of its own, in rounds, paired with bare of the same round.
const rounds = Number(process.env.ROUNDS ?? 5)
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
  const child = fork(new URL('server.mjs', import.meta.url), [framework, name], { env, silent: true })
  child.stderr.pipe(process.stderr)
  const { port } = await answer(child, 'listening')
  return { name, child, port }
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
    return {
      usPerCall: ((await cpu()) - before) / made.total,
      perSecond: made.total / seconds,
      p99: latency.p99,
    }
  },
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
/** The middle half of the values, as their spread. */
const spread = (values, digits) => {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(digits)
  return `${median(values).toFixed(digits)} [${at(0.25)}, ${at(0.75)}]`
}

for (const framework of process.env.FRAMEWORK ? [process.env.FRAMEWORK] : ['express', 'koa']) {
  for (const mode of modes) {
    const servers = await Promise.all(cases[framework].map((name) => start(framework, name)))
    const results = new Map(servers.map(({ name }) => [name, []]))
    for (let round = -1; round < rounds; round++) {
      // Another order each round, so that no case always follows the same one.
      const order = servers.map((_, index) => servers[(index + Math.max(round, 0) * 3) % servers.length])
      for (const server of order) {
        const result = await runs[mode](server)
        if (round >= 0) results.get(server.name).push(result)
      }
    }
    for (const { child } of servers) child.kill('SIGKILL')
    const bare = results.get('bare')
    console.log(
      `\n### ${framework}, ${mode}: bare ${median(bare.map((b) => b.usPerCall)).toFixed(1)} us of CPU per request; ${rounds} rounds, Node ${process.versions.node}\n`,
    )
    console.log(
      `| Case | added us [quartiles] | CPU ratio |${mode === 'in process' ? '' : ' throughput ratio | p99 ratio |'}`,
    )
    console.log(`| --- | --: | --: |${mode === 'in process' ? '' : ' --: | --: |'}`)
    for (const [name, own] of results) {
      const paired = (measure) => own.map((result, round) => measure(result, bare[round]))
      const row = [
        name,
        spread(
          paired((a, b) => a.usPerCall - b.usPerCall),
          1,
        ),
        median(paired((a, b) => a.usPerCall / b.usPerCall)).toFixed(3),
      ]
      if (mode !== 'in process') {
        row.push(
          median(paired((a, b) => a.perSecond / b.perSecond)).toFixed(3),
          median(paired((a, b) => a.p99 / b.p99)).toFixed(2),
        )
      }
      console.log(`| ${row.join(' | ')} |`)
    }
  }
}
sink.close()

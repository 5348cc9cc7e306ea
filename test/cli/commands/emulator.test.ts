import { expect, test } from 'vitest'
import { runCli } from '../../support/run-cli.ts'

test('the emulator starts, prints what a sender needs, and ends on a signal', async () => {
  let attributes: unknown
  const { code, out } = await runCli(
    ['emulator', '--port', '0', '--api-key', 'k', '--user-attribute', 'calls:NUMBER', '--json'],
    {
      onOut(text) {
        const { url } = JSON.parse(text) as { url: string }
        void fetch(`${url}/v1/admin/model/user/attributes`, { headers: { 'X-APTRINSIC-API-KEY': 'k' } })
          .then(async (response) => {
            attributes = await response.json()
          })
          .finally(() => process.emit('SIGTERM'))
      },
    },
  )
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ apiKey: 'k', productKey: 'AP-DEMOEMULATOR-2' })
  expect(attributes).toMatchObject([{ apiName: 'calls', type: 'NUMBER' }])
})

test.each([
  [['--port', 'x'], '--port x is not a port'],
  [['--switch', 'limits=on'], 'refuse, drop, truncate, off'],
  [['--time-zone', 'Mars/Base'], 'Mars/Base'],
  [['--user-attribute', 'calls:INT'], 'STRING, NUMBER'],
])('wrong arguments end with exit code 2: %j', async (args, message) => {
  const { code, err } = await runCli(['emulator', '--port', '0', ...args])
  expect(code).toBe(2)
  expect(err).toContain(message)
})

import { expect, test } from 'vitest'
import { type CountingService, startService } from '../../support/counting-service.ts'
import { runCli } from '../../support/run-cli.ts'

/** A service with two rejected events of ann and two of bob. */
async function rejecting(): Promise<CountingService> {
  const service = startService()
  service.call('ann')
  service.call('bob')
  service.reply = () => ({ outcome: 'rejected', reason: 'no such product' })
  await service.clock.advance(15 * 3_600_000)
  await service.meter.flush()
  service.reply = () => ({ outcome: 'delivered' })
  return service
}

test('redeliver asks first, and sends the lines again when the service runs next', async () => {
  await using service = await rejecting()
  await service.meter.close()
  const at = { env: { PX_USAGE_DIR: service.dir }, isTerminal: true }
  const args = ['redeliver', '--event', 'dailyApiCalls']
  const declined = await runCli(args, { ...at, input: 'n\n' })
  expect(declined).toMatchObject({ code: 4, out: '' })
  expect(declined.err).toBe(
    'Send 2 rejected lines to PX again? [y/N] px-usage: Not confirmed, so nothing was changed.\n',
  )
  expect(await runCli(args, { ...at, input: 'y\n' })).toMatchObject({
    code: 0,
    out: '2 rejected lines will be sent again.\n',
  })
  const { out } = await runCli(['rejected', '--json'], at)
  expect(JSON.parse(out)[0]).toMatchObject({ total: 2, lines: [{ eventName: 'dailyEndpointCalls' }, {}] })
})

test('discard works on one line by its id, with --yes where there is no terminal', async () => {
  await using service = await rejecting()
  await service.meter.close()
  const at = { env: { PX_USAGE_DIR: service.dir } }
  const [{ lines }] = JSON.parse((await runCli(['rejected', '--json'], at)).out)
  const { id } = lines[0]
  const refused = await runCli(['discard', id], at)
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('no terminal. Give --yes.') })
  const done = await runCli(['discard', id, '--yes', '--json'], at)
  expect([done.code, JSON.parse(done.out)]).toEqual([0, { lines: [id], state: 'done' }])
  expect(await runCli(['discard', id, '--yes'], at)).toMatchObject({
    code: 0,
    out: 'No rejected line matches.\n',
  })
})

test('nothing is chosen without an id or a flag', async () => {
  await using service = await rejecting()
  await service.meter.close()
  const { code, err } = await runCli(['discard', '--yes', '--dir', service.dir])
  expect([code, err]).toEqual([2, 'px-usage: Give the ids of rejected lines, or --day, --event or --all.\n'])
})

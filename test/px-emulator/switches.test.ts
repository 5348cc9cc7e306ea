import { startEmulator } from 'px-emulator'
import { expect, test } from 'vitest'
import { control, emulator, start } from '../support/started-emulator.ts'

test('a switch or value that does not exist is refused, and changes nothing', async () => {
  await start()
  const unknown = await control('PUT', 'switches', { createBody: 'json' })
  expect(unknown.status).toBe(400)
  expect(unknown.body.externalapierror.message).toContain('createdBody')
  const wrong = await control('PUT', 'switches', { missingDate: 'refuse', createdBody: 'xml' })
  expect(wrong.body.externalapierror.message).toContain('empty, json, text')
  expect(emulator.switches.missingDate).toBe('now')
  await expect(startEmulator({ port: 0, switches: { limits: 'on' as 'off' } })).rejects.toThrow('limits')
})

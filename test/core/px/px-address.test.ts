import { expect, it } from 'vitest'
import { parseBaseUrl, regionUrl } from '../../../packages/core/src/px/px-address.ts'

it('each region has its host, and no other name has one', () => {
  expect(regionUrl('eu')).toBe('https://api-eu.aptrinsic.com')
  for (const region of ['EU', 'toString', '']) {
    expect(() => regionUrl(region)).toThrow(
      expect.objectContaining({ code: 'PXU_ERR_OPTIONS_REGION_UNKNOWN' }),
    )
  }
})

it.each([
  ['https://px.example/', 'https://px.example'],
  ['https://px.example/v1', 'https://px.example'],
  ['https://px.example/proxy/v1/', 'https://px.example/proxy'],
  ['http://127.0.0.1:7070', 'http://127.0.0.1:7070'],
  ['http://[::1]:7070/v1', 'http://[::1]:7070'],
])('the address %s is used as %s', (given, used) => {
  expect(parseBaseUrl(given)).toBe(used)
})

it.each([
  ['px.example', 'absolute URL'],
  ['https://ann:secret@px.example', 'password'],
  ['https://px.example?key=1', 'query'],
  ['http://px.example', 'https'],
  ['http://127.0.0.1.example', 'https'],
])('the address %s is refused', (given, reason) => {
  expect(() => parseBaseUrl(given)).toThrow(reason)
})

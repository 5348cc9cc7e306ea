import { expect, it } from 'vitest'
import { apiKeyOf, checkProductKey, key } from '../../../packages/core/src/options/parse-keys.ts'
import { recordingDiagnostics } from '../../support/recording-diagnostics.ts'

it('a key is used without blanks around it', () => {
  expect(key('apiKey', ' secret\n', true)).toBe('secret')
  expect(apiKeyOf('secret', true)()).toBe('secret')
})

it('a key that is missing is an error only where it is needed', () => {
  expect(key('productKey', undefined, false)).toBe('')
  expect(() => key('productKey', '', true)).toThrow(
    expect.objectContaining({ code: 'PXU_ERR_OPTIONS_PRODUCT_KEY_MISSING' }),
  )
  expect(() => apiKeyOf(undefined, true)).toThrow(
    expect.objectContaining({ code: 'PXU_ERR_OPTIONS_API_KEY_MISSING' }),
  )
})

it('a function is called each time, and its error does not show the key', () => {
  const keys = ['first', 'second']
  const apiKey = apiKeyOf(() => keys.shift() as string, true)
  expect([apiKey(), apiKey()]).toEqual(['first', 'second'])
  const failing = apiKeyOf(() => {
    throw new Error('The vault refused secret-key.')
  }, true)
  expect(failing).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret-key') }))
})

it('a key that no header can carry is refused without being quoted', () => {
  for (const text of ['secret key', 'secret\nkey', 'sécret']) {
    expect(() => key('apiKey', text, true)).toThrow(
      expect.objectContaining({ code: 'PXU_ERR_OPTIONS_INVALID' }),
    )
    expect(() => key('apiKey', text, true)).not.toThrow(text)
  }
})

it('a product key that does not begin with AP- is warned of', () => {
  const { diagnostics, warnings } = recordingDiagnostics()
  checkProductKey('AP-ABC-2', diagnostics)
  expect(warnings).toEqual([])
  checkProductKey('secret', diagnostics)
  expect(warnings).toEqual(['PXU_WRN_OPTIONS_PRODUCT_KEY'])
})

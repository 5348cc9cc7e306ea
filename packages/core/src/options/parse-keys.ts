import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'

/** The key behind a function, so that whoever prints the settings prints no key. */
export function apiKeyOf(given: string | (() => string) | undefined, required: boolean): () => string {
  if (typeof given !== 'function') {
    const apiKey = key('apiKey', given, required)
    return () => apiKey
  }
  return () => {
    let answer: string
    try {
      answer = given()
    } catch {
      // Not quoted: it may tell of the key.
      throw new UsageError('PXU_ERR_OPTIONS_API_KEY_MISSING', 'The function given as apiKey threw.')
    }
    return key('apiKey', answer, true)
  }
}

export function key(name: 'apiKey' | 'productKey', value: string | undefined, required: boolean): string {
  const [code, variable, where] =
    name === 'apiKey'
      ? ([
          'PXU_ERR_OPTIONS_API_KEY_MISSING',
          'PX_API_KEY',
          'Administration > REST API in PX makes one',
        ] as const)
      : ([
          'PXU_ERR_OPTIONS_PRODUCT_KEY_MISSING',
          'PX_PRODUCT_KEY',
          'Administration > Products in PX shows it, AP-...',
        ] as const)
  if (!required && (value === undefined || value === '')) return ''
  if (typeof value === 'string' && value.trim() !== '') {
    // Not quoted: it may be most of a key.
    if (!/^[\x21-\x7e]+$/.test(value.trim())) {
      throw new UsageError(
        'PXU_ERR_OPTIONS_INVALID',
        `The option ${name} holds a blank, a line break or a letter that no header can carry. Give it as PX shows it.`,
      )
    }
    return value.trim()
  }
  throw new UsageError(
    code,
    `The option ${name} is ${value === undefined ? 'missing' : 'not a text with something in it'}. Give it, or set ${variable} (${where}). To run without PX, as in development, set PX_USAGE_ENABLED=false; dryRun: true needs no keys either.`,
  )
}

/** Warns of a key that PX would refuse with each event, days later. Not quoted: it may be the API key, given by mistake. */
export function checkProductKey(productKey: string, diagnostics: Diagnostics): void {
  if (productKey.startsWith('AP-')) return
  diagnostics.warn(
    'PXU_WRN_OPTIONS_PRODUCT_KEY',
    'The option productKey (PX_PRODUCT_KEY) does not begin with AP-, so it is most likely not the key of a product. Give the one that PX shows under Administration > Products, and look whether it was exchanged with apiKey.',
  )
}

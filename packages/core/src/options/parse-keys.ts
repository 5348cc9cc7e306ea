import type { Diagnostics } from '../diagnostics.ts'
import { UsageError } from '../errors.ts'

/** Returns a function that returns the API key. Settings that are printed then show a function, not the key. */
export function apiKeyOf(given: string | (() => string) | undefined, required: boolean): () => string {
  if (typeof given !== 'function') {
    const apiKey = key('apiKey', given, required)
    return () => apiKey
  }
  return () => {
    let returned: string
    try {
      returned = given()
    } catch {
      // The error is not quoted, because it may contain the key.
      throw new UsageError(
        'PXU_ERR_OPTIONS_API_KEY_MISSING',
        'The function given as apiKey threw an error. Make it return the key.',
      )
    }
    return key('apiKey', returned, true)
  }
}

/**
 * Validates a key and returns it without surrounding white space. A key that is not required may be missing and is then empty.
 *
 * @throws {UsageError} `PXU_ERR_OPTIONS_...` for a missing or invalid key
 */
export function key(name: 'apiKey' | 'productKey', value: string | undefined, required: boolean): string {
  const [code, variable, where] =
    name === 'apiKey'
      ? ([
          'PXU_ERR_OPTIONS_API_KEY_MISSING',
          'PX_API_KEY',
          'create one in PX under Administration > REST API',
        ] as const)
      : ([
          'PXU_ERR_OPTIONS_PRODUCT_KEY_MISSING',
          'PX_PRODUCT_KEY',
          'PX shows it under Administration > Products, as AP-...',
        ] as const)
  if (!required && (value === undefined || value === '')) return ''
  if (typeof value === 'string' && value.trim() !== '') {
    // The value is not quoted, because it may be most of a key.
    if (!/^[\x21-\x7e]+$/.test(value.trim())) {
      throw new UsageError(
        'PXU_ERR_OPTIONS_INVALID',
        `The option ${name} contains a space, a line break or a character that is not allowed in a header. Give it exactly as PX shows it.`,
      )
    }
    return value.trim()
  }
  throw new UsageError(
    code,
    `The option ${name} is ${value === undefined ? 'missing' : 'not a non-empty string'}. Give it, or set ${variable} (${where}). To run without PX, as in development, set PX_USAGE_ENABLED=false; dryRun: true needs no keys either.`,
  )
}

/** Warns about a product key that PX would refuse with each event, days later. The key is not quoted: it may be the API key by mistake. */
export function checkProductKey(productKey: string, diagnostics: Diagnostics): void {
  if (productKey.startsWith('AP-')) return
  diagnostics.warn(
    'PXU_WRN_OPTIONS_PRODUCT_KEY',
    'The option productKey (PX_PRODUCT_KEY) does not begin with AP-, so it is most likely not a product key. Give the one that PX shows under Administration > Products, and check that it was not swapped with apiKey.',
  )
}

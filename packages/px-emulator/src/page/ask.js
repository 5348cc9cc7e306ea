/** @typedef {{ revision: string, events: number, timeZone: string, productKey: string, apiKey?: string, names: { name: string, events: number, numbers: string[], groups: string[] }[] }} Catalog */

/**
 * Asks the emulator.
 *
 * @param {string} path below `/_px-emulator/`
 * @returns {Promise<any>}
 */
export async function ask(path) {
  const answer = await fetch(`/_px-emulator/${path}`)
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.externalapierror.message)
  return body
}

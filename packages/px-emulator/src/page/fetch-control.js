/** @typedef {{ revision: string, events: number, timeZone: string, productKey: string, apiKey?: string, timeZones: string[], names: { name: string, events: number, numbers: string[], groups: string[] }[] }} Catalog */

/**
 * Reads from the emulator's inspection API.
 *
 * @param {string} path below `/_px-emulator/`
 * @returns {Promise<any>} the parsed body; throws the emulator's error message for a refused request
 */
export async function fetchControl(path) {
  const response = await fetch(`/_px-emulator/${path}`)
  const body = await response.json()
  if (!response.ok) throw new Error(body.externalapierror.message)
  return body
}

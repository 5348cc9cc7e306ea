import type { EmulatorOptions } from './emulator.ts'
import type { DeclaredAttribute } from './subscription/attribute-model.ts'

/** Options as they stand on a command line. */
export interface OptionTexts {
  /** A port, `0` for a free one. */
  readonly port: string
  /** Attributes as `name:type`; without a type it is a text. */
  readonly userAttributes: readonly string[]
  readonly accountAttributes: readonly string[]
  /** Switches as `name=value`. A number and `null` become values of that type. */
  readonly switches: readonly string[]
}

/** Parses the options of a command line. `startEmulator()` checks the types of attributes and the switches. @throws {Error} for an invalid port */
export function parseOptionTexts(
  given: OptionTexts,
): Pick<EmulatorOptions, 'port' | 'attributes' | 'switches'> {
  const { port, userAttributes, accountAttributes, switches } = given
  if (!/^\d+$/.test(port) || Number(port) > 65_535) {
    throw new Error(`--port ${port} is not a port from 0 to 65535.`)
  }
  return {
    port: Number(port),
    attributes: { user: userAttributes.map(attributeOf), account: accountAttributes.map(attributeOf) },
    switches: Object.fromEntries(switches.map(switchOf)),
  }
}

function attributeOf(given: string): DeclaredAttribute {
  const [apiName = '', type = 'STRING'] = given.split(':')
  return { apiName, type: type as NonNullable<DeclaredAttribute['type']> }
}

function switchOf(given: string): [string, unknown] {
  const [name = '', ...rest] = given.split('=')
  const value = rest.join('=')
  const isNumber = value !== '' && !Number.isNaN(Number(value))
  return [name, isNumber ? Number(value) : value === 'null' ? null : value]
}

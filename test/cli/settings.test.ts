import { describe, expect, it, test } from 'vitest'
import { type GivenSettings, parseSettings, settingsOf } from '../../packages/cli/src/settings.ts'

const parse = (given: Partial<GivenSettings>) =>
  parseSettings({ flags: {}, env: {}, file: undefined, cwd: '/app', ...given })
const file = (content: unknown) => ({ path: 'px-usage.json', content })

describe('parseSettings', () => {
  it('takes a flag before the environment, that before the file, and that before the default', () => {
    const env = { PX_USAGE_DIR: 'of-env' }
    const all = { flags: { dir: 'of-flag' }, env, file: file({ dir: 'of-file' }) }
    expect(parse(all)).toMatchObject({ place: { dir: '/app/of-flag' }, from: { dir: '--dir' } })
    expect(parse({ ...all, flags: {} })).toMatchObject({
      place: { dir: '/app/of-env' },
      from: { dir: 'PX_USAGE_DIR' },
    })
    expect(parse({ file: all.file })).toMatchObject({
      place: { dir: '/app/of-file' },
      from: { dir: 'px-usage.json' },
    })
    expect(parse({})).toMatchObject({
      place: { kind: 'folder', dir: '/app/.px-usage' },
      from: { dir: 'the default' },
    })
  })

  it('reads Redis where its address is given, unless a flag names a folder', () => {
    const env = { PX_USAGE_REDIS: 'redis://host:6379' }
    expect(parse({ env }).place).toEqual({ kind: 'redis', url: 'redis://host:6379', keyPrefix: 'px-usage' })
    expect(parse({ env, flags: { dir: '/data' } }).place).toEqual({ kind: 'folder', dir: '/data' })
  })

  it('ignores variables without a value and trims line feeds of secrets', () => {
    const env = { PX_API_KEY: 'key\n', PX_PRODUCT_KEY: '', PX_TIME_ZONE: ' ' }
    expect(parse({ env })).toMatchObject({ apiKey: 'key', productKey: undefined, timeZone: undefined })
  })

  it('offers no flag for the API key, which other users of the machine could read', () => {
    const flags = settingsOf(['store', 'px']).map(([name, { flag }]) => [name, flag])
    expect(flags).toContainEqual(['apiKey', undefined])
    expect(flags.filter(([, flag]) => flag === undefined)).toHaveLength(1)
  })
})

test.each([
  ['both places', { flags: { dir: 'a', redis: 'redis://b' } }, '--dir and --redis'],
  [
    'an address that is not of Redis',
    { flags: { redis: 'http://:secret@b' } },
    '--redis: this is not an address',
  ],
  ['an unknown name in the file', { file: file({ dri: 'a' }) }, 'no setting "dri"'],
  ['a value in the file that is no text', { file: file({ dir: 1 }) }, 'dir must be a text'],
  ['a file that is no object', { file: file([]) }, 'expected a JSON object'],
  ['an empty flag', { flags: { dir: '' } }, '--dir: dir is empty'],
])('%s is refused with exit code 2 and no secret', (_, given, message) => {
  let refused: unknown
  try {
    parse(given)
  } catch (error) {
    refused = error
  }
  expect(refused).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) })
  expect((refused as Error).message).not.toContain('secret')
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLogIdentity } from '../../../packages/cli/src/backfill/log-identity.ts'
import type { LogLine } from '../../../packages/cli/src/logs/log-line.ts'

const dir = mkdtempSync(join(tmpdir(), 'px-usage-identity-'))
afterAll(() => rmSync(dir, { recursive: true }))

function line(fields: Record<string, string>): LogLine {
  return {
    ...{ atMs: 5, method: 'GET', path: '/', status: 200, aborted: false },
    rawField: (name) => fields[name],
    field: (name) => fields[name]?.replace('\\x41', 'A'),
    fields: () => fields,
  }
}

const source = { identify: 'user', key: 'user', account: undefined }

describe('the identity of a line', () => {
  it('is a field, decoded, with the same object for the same text', async () => {
    const identify = await createLogIdentity(source, dir)
    expect(identify(line({ user: '\\x41nn' }))).toEqual({ userId: 'Ann' })
    expect(identify(line({ user: '\\x41nn' }))).toBe(identify(line({ user: '\\x41nn' })))
    expect(identify(line({}))).toBeUndefined()
  })

  it('has an account from a second field', async () => {
    const identify = await createLogIdentity({ ...source, account: 'org' }, dir)
    expect(identify(line({ user: 'ann', org: 'acme' }))).toEqual({ userId: 'ann', accountId: 'acme' })
    expect(identify(line({ user: 'ann', org: 'other' }))).toEqual({ userId: 'ann', accountId: 'other' })
    expect(identify(line({ user: 'ann' }))).toEqual({ userId: 'ann' })
  })

  it('comes from a CSV file, found by a field', async () => {
    writeFileSync(join(dir, 'keys.csv'), '\ufeffkey,userId,accountId\nk-1,ann,"acme, inc"\nAbc,bob,\n')
    const identify = await createLogIdentity({ ...source, identify: 'keys.csv', key: 'api_key' }, dir)
    expect(identify(line({ api_key: 'k-1' }))).toEqual({ userId: 'ann', accountId: 'acme, inc' })
    expect(identify(line({ api_key: '\\x41bc' }))).toEqual({ userId: 'bob' })
    expect(identify(line({ api_key: 'unknown' }))).toBeUndefined()
    expect(identify(line({}))).toBeUndefined()
  })

  it('comes from a module, which may throw or return a promise', async () => {
    writeFileSync(
      join(dir, 'identify.mjs'),
      `export default ({ path, fields }) => {
        if (fields.user === 'bad') throw new Error('no')
        return fields.user === 'late' ? Promise.resolve({ userId: 'late' }) : { userId: fields.user + path }
      }`,
    )
    const identify = await createLogIdentity({ ...source, identify: './identify.mjs' }, dir)
    expect(identify(line({ user: 'ann' }))).toEqual({ userId: 'ann/' })
    expect(await identify(line({ user: 'late' }))).toEqual({ userId: 'late' })
    expect(identify(line({ user: 'bad' }))).toMatchObject({ reason: 'threw' })
  })

  it.each([
    ['none.csv', '', 'Cannot read'],
    ['empty.csv', 'key,user\nk,ann\n', 'line 2: no key or userId'],
    ['broken.csv', 'key,userId\n"k,ann\n', 'Cannot read'],
    ['none.mjs', '', 'Cannot load the module'],
    ['other.mjs', 'export const a = 1', 'has no default export'],
  ])('cannot come from %s', async (name, content, message) => {
    if (content !== '') writeFileSync(join(dir, name), content)
    await expect(createLogIdentity({ ...source, identify: name }, dir)).rejects.toThrow(message)
  })
})

import { expect, test } from 'vitest'
import { checkProductKey, checkTimeZone } from '../../../packages/cli/src/doctor/subscription-checks.ts'

const november = Date.UTC(2026, 10, 23)
const zone = (own: string, theirs: unknown) => checkTimeZone(own, { timeZone: theirs }, november)

test.each([
  ['UTC', 'Etc/GMT', 'ok'],
  ['Europe/Berlin', 'Europe/Vienna', 'ok'],
  ['Europe/Berlin', 'Africa/Lagos', 'warning'],
  ['America/New_York', 'Asia/Tokyo', 'failure'],
  ['UTC', '(GMT+1) Berlin', 'unknown'],
  ['UTC', undefined, 'unknown'],
])('days in %s with a subscription in %s: %s', (own, theirs, verdict) => {
  expect(zone(own, theirs).verdict).toBe(verdict)
})

test('zones that differ only in summer are found in winter', () => {
  expect(zone('Europe/Berlin', 'Africa/Lagos').found).toContain('up to 1 h apart')
})

test('a product key is looked for in all products, and what PX does not show is not judged', () => {
  const products = [
    { name: 'A', productKeys: [{ productKey: 'AP-A-2' }] },
    { name: 'B', productKeys: [{ productKey: 'AP-B-2' }, null] },
    { name: 'C' },
  ]
  expect(checkProductKey('AP-B-2', { products }).verdict).toBe('ok')
  expect(checkProductKey('AP-C-2', { products }).found).toContain('AP-A-2, AP-B-2')
  expect(checkProductKey('secret', { products }).found).not.toContain('secret')
  expect(checkProductKey('AP-C-2', { products: 'none' }).verdict).toBe('unknown')
})

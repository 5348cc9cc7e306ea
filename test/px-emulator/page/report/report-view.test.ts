import { expect, test } from 'vitest'
import {
  describeInBrowser,
  emulator,
  legendTexts,
  monday,
  page,
  post,
  postCalls,
} from '../../../support/report-page.ts'

const title = () => page.locator('#title').textContent()

describeInBrowser('the report', () => {
  test('the title names the breakdown and the filters', async () => {
    await postCalls('acme', 5)
    await post({
      date: monday,
      accountId: 'globex',
      attributes: { apiCalls: 7, endpoint: '/b', plan: 'Pro' },
    })
    const filters = [
      ['accountId', '==', 'acme'],
      ['endpoint', '!=', '/a'],
      ['apiCalls', '>=', '5'],
      ['plan', '~', '*ro*'],
    ].map((filter) => `filter=${encodeURIComponent(JSON.stringify(filter))}`)
    for (const [query, expected] of [
      ['', 'API calls per day'],
      ['by=accountId&scope=Monthly', 'API calls per month, by account'],
      [`by=identifyId&${filters[0]}`, 'API calls per day, by user - only acme'],
      [
        `function=Users&${filters.join('&')}`,
        'Active users per day - only acme, without endpoint /a, only apiCalls at least 5, only with ro in plan',
      ],
    ]) {
      await page.goto(`${emulator.url}/?${query}`)
      await page.getByRole('heading', { name: expected!, exact: true }).waitFor()
    }
  })

  test('a line that is switched off leaves the total, and the address keeps it', async () => {
    await postCalls('acme', 5)
    await postCalls('globex', 7)
    await page.goto(`${emulator.url}/?by=accountId`)
    await page.getByText('12 in all').waitFor()
    await page.getByRole('button', { name: 'globex' }).click()
    await page.getByText('5 in all without globex').waitFor()
    await page.getByText('Whole range: 5 API calls').waitFor()
    expect(page.url()).toContain('hide=globex')
    await page.reload()
    await page.getByText('5 in all without globex').waitFor()
    expect(await page.getByRole('button', { name: 'globex' }).getAttribute('aria-pressed')).toBe('false')
    await page.getByLabel('Break down by').selectOption('identifyId')
    await page.getByText('12 in all').waitFor()
    expect(page.url()).not.toContain('hide')
  })

  test('Property is off for functions that do not read it', async () => {
    await postCalls('acme', 5)
    await page.goto(emulator.url)
    await page.getByText('5 in all').waitFor()
    const isOff = async (chosen: string) => {
      await page.getByLabel('Function').selectOption(chosen)
      return page.getByLabel('Property').isDisabled()
    }
    expect([await isOff('Count'), await isOff('Users'), await isOff('Average')]).toEqual([true, true, false])
  })

  test('From and To show the range in force, and a preset changes them', async () => {
    await postCalls('acme', ...Array.from({ length: 20 }, () => 1))
    await page.goto(emulator.url)
    const range = () =>
      page
        .locator('[type=date]')
        .evaluateAll((all) => all.map((each) => (each as unknown as { value: string }).value))
    await page.getByText('20 in all').waitFor()
    expect(await range()).toEqual(['2026-11-09', '2026-11-28'])
    await page.getByLabel('Range').selectOption('Last 7 days')
    await page.getByText('7 in all').waitFor()
    expect(await range()).toEqual(['2026-11-22', '2026-11-28'])
    expect(page.url()).toMatch(/days=7(?!.*from)/)
    await page.getByLabel('From').fill('2026-11-27')
    await page.getByLabel('From').press('Tab')
    await page.getByText('2 in all').waitFor()
    expect(await page.getByLabel('Range').inputValue()).toBe('custom')
    await page.reload()
    await page.getByText('2 in all').waitFor()
    expect(await range()).toEqual(['2026-11-27', '2026-11-28'])
  })

  test('breakdowns and zones that are chosen most often come first', async () => {
    const attributes = {
      rollupId: 'x',
      apiType: 'RESTful',
      timestamp: monday,
      apiCalls: 5,
      method: 'GET',
      endpoint: '/a',
    }
    await post({ date: monday, attributes: { ...attributes, timeZone: 'Asia/Tokyo' } })
    await post({ date: monday, attributes: { ...attributes, timeZone: 'no zone' } })
    await page.goto(emulator.url)
    await page.getByText('10 in all').waitFor()
    const by = await page.getByLabel('Break down by').locator('option').allTextContents()
    expect(by).toEqual([
      'Nothing',
      'Account',
      'User',
      'Endpoint',
      'Method',
      'apiType',
      'timeZone',
      'apiCalls',
    ])
    const zones = await page.getByLabel('Time zone').locator('option').allTextContents()
    expect(zones.slice(0, 2)).toEqual(['UTC', 'Asia/Tokyo'])
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByLabel('Filter by').selectOption('endpoint')
    await page.getByPlaceholder('such as /a').waitFor()
  })

  test('averages are sorted by their newest value, which the legend shows', async () => {
    await postCalls('acme', 50, 6)
    await postCalls('globex', 1, 9)
    await page.goto(`${emulator.url}/?by=accountId&function=Average`)
    await page.getByRole('button', { name: 'globex' }).waitFor()
    expect(await legendTexts()).toEqual([
      ['globex', '9'],
      ['acme', '6'],
    ])
    expect(await title()).toBe('Average API calls per user and active day, by account')
  })
})

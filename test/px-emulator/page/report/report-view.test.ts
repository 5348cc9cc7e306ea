import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import {
  dayMs,
  describeInBrowser,
  emulator,
  legendButton,
  legendTexts,
  monday,
  page,
  post,
  postCalls,
} from '../../../support/report-page.ts'

const title = () => page.locator('#title').textContent()

describeInBrowser('the report', () => {
  test('the title names the breakdown and the filters', async () => {
    for (const accountId of ['acme', 'globex']) {
      const attributes = { apiCalls: 7, endpoint: '/b', plan: 'Pro' }
      await post({ date: monday, accountId, attributes })
    }
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
    await legendButton('globex').click()
    await page.getByText('5 in all without globex').waitFor()
    await page.getByText('Whole range: 5 API calls').waitFor()
    expect(page.url()).toContain('hide=globex')
    await page.reload()
    await page.getByText('5 in all without globex').waitFor()
    expect(await legendButton('globex').getAttribute('aria-pressed')).toBe('false')
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
    await legendButton('globex').waitFor()
    expect(await legendTexts()).toEqual([
      ['globex', '9'],
      ['acme', '6'],
    ])
    expect(await title()).toBe('Average API calls per user and active day, by account')
  })

  test('the tiles show the range beside the days before it', async () => {
    for (const [day, apiCalls] of [50, 50, 100, 50].entries()) {
      const attributes = { apiCalls, clientErrors: day === 3 ? 3 : 0, serverErrors: day === 1 ? 10 : 0 }
      await post({ identifyId: `user-${day}`, date: monday + day * dayMs, attributes })
    }
    await page.goto(`${emulator.url}/?from=2026-11-11&to=2026-11-12`)
    await page.getByText('+50 % against the 2 days before').waitFor()
    const tiles = await page.locator('.tile').allInnerTexts()
    expect(tiles.map((text) => text.split(/\n+/))).toEqual([
      ['API calls', '150', '+50 % against the 2 days before'],
      ['Active users', '2', '0 % against the 2 days before'],
      ['Error share', '2 %', '\u22128 points against the 2 days before', '2 % client, 0 % server'],
    ])
    await page.getByLabel('Range').selectOption('Last 7 days')
    await page.getByText('no whole period before it to compare with').first().waitFor()
  })

  test('a click on one of the top accounts filters the page, and another click shows all', async () => {
    for (let account = 1; account <= 10; account += 1) await postCalls(`account-${account}`, account * 10)
    await page.goto(`${emulator.url}/?days=7`)
    await page.getByRole('heading', { name: 'Top accounts by API calls' }).waitFor()
    const ranked = () => page.locator('#ranking tbody button').allTextContents()
    expect(await ranked()).toHaveLength(8)
    await page.getByRole('button', { name: 'Show all 10' }).click()
    await page.getByRole('button', { name: 'account-1', exact: true }).waitFor()
    expect(await ranked()).toHaveLength(10)
    await page.getByRole('button', { name: 'account-3', exact: true }).click()
    await page.getByRole('heading', { name: 'API calls per day - only account-3', exact: true }).waitFor()
    await page.getByRole('button', { name: 'account-2', exact: true }).click()
    await page.getByText('20 in all').waitFor()
    expect(await ranked()).toHaveLength(10)
    const chosen = page.getByRole('button', { name: 'account-2', exact: true })
    expect(await chosen.getAttribute('aria-pressed')).toBe('true')
    await chosen.click()
    await page.getByText('550 in all').waitFor()
  })

  test('the picture and the files are named by query and range, and the link is copied', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await postCalls('acme', 5, 6)
    await postCalls('=globex', 7)
    await page.goto(`${emulator.url}/?by=accountId&from=2026-11-09&to=2026-11-10`)
    await page.getByText('18 in all').waitFor()
    await page.getByText('Table of these numbers').click()
    const saved = async (button: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByText(button, { exact: true }).click(),
      ])
      return [download.suggestedFilename(), await readFile(await download.path())] as const
    }
    const name = 'dailyApiCalls-sum-apiCalls-daily-by-accountId-2026-11-09-to-2026-11-10'
    const [wideName, wide] = await saved('Download CSV')
    expect(wideName).toBe(`${name}.csv`)
    expect(wide.toString()).toBe("Day,acme,'=globex,Total\r\n2026-11-09,5,7,12\r\n2026-11-10,6,0,6")
    const [longName, long] = await saved('Download CSV, a row for each line and period')
    expect(longName).toBe(`${name}-long.csv`)
    expect(long.toString().split('\r\n').slice(0, 3)).toEqual([
      'period,accountId,API calls',
      '2026-11-09,acme,5',
      '2026-11-10,acme,6',
    ])
    const [pictureName, picture] = await saved('Download PNG')
    expect([pictureName, picture.subarray(1, 4).toString()]).toEqual([`${name}.png`, 'PNG'])
    expect(picture.length).toBeGreaterThan(5_000)
    await page.getByRole('button', { name: 'Copy link' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(page.url())
  })

  test('a range or a filter without events says so, and shows where there are some', async () => {
    await postCalls('acme', 5)
    await page.goto(`${emulator.url}/?from=2026-01-01&to=2026-01-31`)
    await page.getByText('No events of dailyApiCalls from 2026-01-01 to 2026-01-31').waitFor()
    await page.getByText('There are events from 2026-11-09 to 2026-11-09.').waitFor()
    expect(await page.locator('#chart').isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.getByText('5 in all').waitFor()
    await page.goto(`${emulator.url}/?filter=${encodeURIComponent('["accountId","==","none-such"]')}`)
    await page.getByText('match the filters').waitFor()
    await page.getByRole('button', { name: 'Remove filters' }).click()
    await page.getByText('5 in all').waitFor()
    await post({ eventName: 'visits', date: monday })
    await page.goto(`${emulator.url}/?eventName=visits`)
    await page.getByText('They have no number to add. Choose the function Count').waitFor()
  })
})

import { mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import { expect, test } from 'vitest'
import { sendNinetyDays } from '../../support/ninety-days.ts'
import {
  dayMs,
  describeInBrowser,
  emulator,
  expectComplaints,
  legendButton,
  monday,
  openPage,
  page,
  post,
  send,
  tableRows,
} from '../../support/report-page.ts'

const hostile = '<img src=x onerror="document.title=1">'

/** The pictures are for people to look at. That of the README shows the demo. */
const pictures = process.env.SCREENSHOT_DIR ?? join(tmpdir(), 'px-emulator-pictures')

async function rowOf(period: string): Promise<string[] | undefined> {
  return (await tableRows()).find(([first]) => first === period)
}

/** Texts whose colour has less than 4.5 to 1 against what is behind them (WCAG AA), as the browser works both out. */
function faintTexts(): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number)
    const luminance = (colour) => {
      const [r, g, b] = numbers(colour).map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const isClear = (colour) => numbers(colour)[3] === 0
    const ground = (element) => {
      for (let each = element; each !== null; each = each.parentElement) {
        const { backgroundColor } = getComputedStyle(each)
        if (!isClear(backgroundColor)) return backgroundColor
      }
      return 'rgb(255, 255, 255)'
    }
    const faint = []
    for (const element of document.querySelectorAll('body *')) {
      const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
      if ((!hasText && !element.matches('select, input')) || !element.checkVisibility({ opacityProperty: true })) continue
      const [one, other] = [getComputedStyle(element).color, ground(element)].map(luminance)
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
      if (contrast < 4.5) faint.push(element.tagName + ' ' + element.textContent.slice(0, 40) + ' ' + contrast.toFixed(2))
    }
    return faint
  })()`)
}

/** What axe finds on the shown view, by its own rules for WCAG and good practice. */
async function axeFindings(): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate<string[]>(
    "axe.run(document, { resultTypes: ['violations'], preload: false }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))",
  )
}

/** From the raw events, as a sender reads them back: the mean of each week, by its Monday in UTC. */
async function weeklyAverages(): Promise<Map<string, number>> {
  const range = `dateRangeStart=${monday - 30 * dayMs}&dateRangeEnd=${monday + 30 * dayMs}&pageSize=1000`
  const response = await fetch(`${emulator.url}/v1/events/custom?${range}`, {
    headers: { 'X-APTRINSIC-API-KEY': emulator.apiKey },
  })
  const { customEvents } = (await response.json()) as {
    customEvents: { date: number; attributes: { apiCalls: number } }[]
  }
  const weeks = new Map<string, number[]>()
  for (const { date, attributes } of customEvents) {
    const first = new Date(date)
    while (first.getUTCDay() !== 1) first.setUTCDate(first.getUTCDate() - 1)
    const week = first.toISOString().slice(0, 10)
    weeks.set(week, [...(weeks.get(week) ?? []), attributes.apiCalls])
  }
  return new Map(
    [...weeks].sort().map(([week, calls]) => [week, calls.reduce((sum, each) => sum + each) / calls.length]),
  )
}

describeInBrowser('report page', () => {
  test('the page says how to send a first event, and shows the chart when it arrives', async () => {
    await page.goto(emulator.url)
    await page.getByText('No event received yet').waitFor()
    const variables = `PX_BASE_URL=${emulator.url} PX_API_KEY=${emulator.apiKey} PX_PRODUCT_KEY=${emulator.productKey}`
    expect(await page.locator('#variables').textContent()).toContain(variables)
    await page.getByText('closeOnSignal: true').waitFor()
    await post({ date: monday, attributes: { apiCalls: 5 } })
    await page.getByRole('heading', { name: 'API calls per day' }).waitFor()
    expect(await page.getByText('No event received yet').isVisible()).toBe(false)
  })

  test('Average and Weekly shows the mean of the events of each week, in the table and in the CSV', async () => {
    for (let day = 0; day < 10; day += 1) {
      for (const [identifyId, base] of [
        ['ann', 100],
        ['bob', 7],
      ] as const) {
        await post({ identifyId, date: monday + day * dayMs, attributes: { apiCalls: base + day * day } })
      }
    }
    await page.goto(emulator.url)
    await page.getByLabel('Function').selectOption('Average')
    await page.getByLabel('Scope').selectOption('Weekly')
    await page
      .getByRole('heading', { name: 'Average API calls per user and active day, each week' })
      .waitFor()
    const expected = await weeklyAverages()
    expect(expected.size).toBe(2)
    const shown = (value: number) =>
      value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
    expect(await tableRows()).toEqual([...expected].map(([week, average]) => [week, shown(average)]))
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download CSV', exact: true }).click(),
    ])
    const lines = (await readFile(await download.path(), 'utf8')).split('\r\n')
    expect(lines).toEqual(['From,dailyApiCalls', ...[...expected].map((row) => row.join(','))])
  })

  test('another time zone moves an event at the boundary to its other day', async () => {
    await post({ date: Date.UTC(2026, 10, 9, 23, 30), attributes: { apiCalls: 7 } })
    await page.goto(emulator.url)
    await page.getByRole('heading', { name: 'API calls per day' }).waitFor()
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', '7'])
    await page.getByLabel('Time zone').selectOption('Europe/Berlin')
    await page.getByText('days in Europe/Berlin').waitFor()
    expect(await rowOf('2026-11-10')).toEqual(['2026-11-10', '7'])
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', '0'])
  })

  test('the traps are shown exactly when they are chosen', async () => {
    for (const apiCalls of [7, 8]) await post({ eventName: 'rows', date: monday, attributes: { apiCalls } })
    await post({ date: monday, attributes: { apiCalls: 7 } })
    await page.goto(emulator.url)
    const hints: string[] = []
    for (const eventName of ['dailyApiCalls', 'rows']) {
      await page.locator('[name=eventName]').selectOption(eventName)
      const per = eventName === 'rows' ? 'event' : 'user and active day'
      for (const [name, shown] of Object.entries({
        Sum: (time: string) => `API calls per ${time}`,
        Average: (time: string) => `Average API calls per ${per}${time === 'day' ? '' : `, each ${time}`}`,
        Count: (time: string) => `Events per ${time}`,
        Min: (time: string) => `Lowest API calls of an event, each ${time}`,
        Max: (time: string) => `Highest API calls of an event, each ${time}`,
        'Unique users': (time: string) => `Active users per ${time}`,
      })) {
        for (const [scope, time] of Object.entries({ Daily: 'day', Weekly: 'week', Monthly: 'month' })) {
          await page.getByLabel('Function').selectOption({ label: name })
          await page.getByLabel('Scope').selectOption(scope)
          await page.getByRole('heading', { name: shown(time), exact: true }).waitFor()
          await page.locator('#subtitle').getByText(`of ${eventName}`).waitFor()
          const hint = page.getByRole('note')
          if (await hint.isVisible()) hints.push(`${eventName} ${name} ${scope}: ${await hint.textContent()}`)
        }
      }
    }
    expect(hints).toEqual([
      expect.stringMatching(
        /^dailyApiCalls Sum Weekly: .*about 7 times a daily.*Average.*per user and active day/,
      ),
      expect.stringMatching(/^dailyApiCalls Sum Monthly: .*about 30 times a daily figure/),
      expect.stringMatching(/^rows Sum Weekly: /),
      expect.stringMatching(/^rows Sum Monthly: /),
      expect.stringMatching(/^rows Average Daily: .*up to 2 of these events on one day/),
      expect.stringMatching(/^rows Average Weekly: /),
      expect.stringMatching(/^rows Average Monthly: /),
    ])
  })

  test('an average broken down to one event per user and day is no trap', async () => {
    for (const endpoint of ['/a', '/b']) {
      await post({ eventName: 'rows', date: monday, attributes: { apiCalls: 7, endpoint } })
    }
    await page.goto(`${emulator.url}/?function=Average`)
    await page.getByRole('note').getByText('up to 2 of these events').waitFor()
    await page.getByLabel('Break down by').selectOption('endpoint')
    await legendButton('/b').waitFor()
    expect(await page.getByRole('note').isVisible()).toBe(false)
  })

  test('bars and lines can be chosen, a line can be switched off, and a reload keeps the choice', async () => {
    for (const accountId of ['acme', 'globex'])
      await post({ date: monday, accountId, attributes: { apiCalls: 5 } })
    await page.goto(`${emulator.url}/?by=accountId`)
    await legendButton('globex').waitFor()
    const chosen = () => page.locator('[name=chart]:checked').getAttribute('value')
    expect(await chosen()).toBe('bar')
    const pressed = () => legendButton('globex').getAttribute('aria-pressed')
    const drawn = async () => {
      await legendButton('globex').click()
      return page.evaluate<string>("document.getElementById('chart').toDataURL()")
    }
    const [without, whole] = [await drawn(), await drawn()]
    expect([await pressed(), without === whole]).toEqual(['true', false])
    expect([await drawn(), await pressed()]).toEqual([without, 'false'])
    await page.getByText('Lines', { exact: true }).click()
    await page.waitForURL(/chart=line/)
    await page.reload()
    await legendButton('globex').waitFor()
    expect(await chosen()).toBe('line')
    await page.getByLabel('Function').selectOption('Count')
    expect(await chosen()).toBe('bar')
  })

  test('a line keeps its colour when another overtakes it', async () => {
    for (const [accountId, apiCalls] of [
      ['acme', 5],
      ['globex', 4],
    ] as const) {
      await post({ date: monday, accountId, attributes: { apiCalls } })
    }
    await page.goto(`${emulator.url}/?by=accountId`)
    const colours = () =>
      page
        .locator('#legend button')
        .evaluateAll((all) => all.map((each) => [each.title, each.getAttribute('style')]))
    await legendButton('globex').waitFor()
    const before = await colours()
    await post({ date: monday, accountId: 'globex', attributes: { apiCalls: 9 } })
    await page.getByText('18 in all').waitFor()
    expect(await colours()).toEqual(before.reverse())
  })

  test('the status shows when the emulator no longer responds', async () => {
    await post({ date: monday, attributes: { apiCalls: 5 } })
    await page.goto(emulator.url)
    await page.getByText('Live, 1 event').waitFor()
    await page.route('**/_px-emulator/**', (route) => route.abort())
    await page.getByText(/The emulator does not respond since \d\d:\d\d:\d\d/).waitFor()
    const opacity = "getComputedStyle(document.querySelector('.drawing')).opacity"
    expect(await page.evaluate(opacity)).toBe('0.4')
    await page.unroute('**/_px-emulator/**')
    await page.getByText('Live, 1 event').waitFor()
    expectComplaints('ERR_FAILED')
  })

  test('the numbers move while traffic runs, and start again after a reset', async () => {
    await post({ date: monday, attributes: { apiCalls: 5 } })
    await page.goto(emulator.url)
    await page.getByText('5 in all').waitFor()
    await post({ date: monday, attributes: { apiCalls: 6 } })
    await page.getByText('11 in all').waitFor()
    expect(await page.getByRole('status').textContent()).toBe('Live, 2 events')
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', '11'])
    emulator.reset()
    await page.getByText('No event received yet').waitFor()
  })

  test('a filter and a breakdown select events, and both are there again after a reload', async () => {
    for (const [accountId, apiCalls] of [
      ['acme', 5],
      ['globex', 7],
      ['initech', 11],
    ] as const) {
      await post({ date: monday, accountId, attributes: { apiCalls } })
    }
    await page.goto(emulator.url)
    await page.getByText('23 in all').waitFor()
    await page.getByLabel('Break down by').selectOption('Account')
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByLabel('Filter how').selectOption('is not')
    await page.getByLabel('Filter value').fill('globex')
    await page.getByLabel('Filter value').press('Tab')
    await page.getByText('16 in all').waitFor()
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', '11', '5', '16'])
    await page.reload()
    await page.getByText('16 in all').waitFor()
    expect(await rowOf('2026-11-09')).toEqual(['2026-11-09', '11', '5', '16'])
    await page.getByRole('button', { name: 'Remove filter' }).click()
    await page.getByText('23 in all').waitFor()
  })

  test('everything is reached and worked by keyboard', async () => {
    await post({ date: monday, attributes: { apiCalls: 5 } })
    await page.goto(emulator.url)
    await page.getByText('5 in all').waitFor()
    const reached: string[] = []
    for (let step = 0; step < 45; step += 1) {
      await page.keyboard.press('Tab')
      reached.push(
        await page.evaluate<string>(
          'document.activeElement.name || document.activeElement.textContent.trim() || document.activeElement.id',
        ),
      )
      if (reached.at(-1) === 'function') await page.keyboard.type('Max')
      if (reached.at(-1) === 'Table of these numbers') await page.keyboard.press('Enter')
    }
    const places = [
      'Report',
      'Audience',
      'Events',
      'eventName',
      'property',
      'function',
      'scope',
      'by',
      'timeZone',
    ]
    const after = [
      'days',
      'from',
      'to',
      'Add filter',
      'Copy link',
      'Download PNG',
      'chart',
      'plot',
      'Table of these numbers',
      'Download CSV',
    ]
    expect(reached.filter((name, at) => name !== '' && name !== reached[at - 1])).toEqual(
      expect.arrayContaining([...places, ...after]),
    )
    await page.getByRole('heading', { name: 'Highest API calls of an event, each day' }).waitFor()
    await page.getByRole('link', { name: 'Download CSV', exact: true }).waitFor()
  })

  test('the audience shows the latest attributes, and which were left out', async () => {
    emulator.declareAttributes('user', [{ apiName: 'calls', type: 'NUMBER' }])
    await send('users', { identifyId: 'ann', accountId: 'acme', propertyKeys: ['AP-1'] })
    for (const calls of [1, 2]) await send('users/ann', { customAttributes: { calls, seats: 3 } }, 'PUT')
    await page.goto(`${emulator.url}/#audience`)
    await page.getByRole('columnheader', { name: 'calls' }).waitFor()
    expect(await page.locator('#users tbody td').allTextContents()).toEqual(['ann', 'acme', '2'])
    const [first, last] = await page
      .locator('#users tbody td')
      .evaluateAll((all) => [
        all[0]?.getBoundingClientRect().left ?? 0,
        all[2]?.getBoundingClientRect().right ?? 0,
      ])
    expect((last ?? 0) - (first ?? 0)).toBeLessThan(400)
    expect(await page.getByRole('note').textContent()).toContain('not declared: seats')
  })

  test('the audience without members says how they come to be', async () => {
    await post({ date: monday, attributes: { apiCalls: 5 } })
    await page.goto(`${emulator.url}/#audience`)
    await page.getByText('createMissing: true').waitFor()
    await page.getByText('--switch unknownUser=create').waitFor()
  })

  test('two events with the same id of their sender are both shown', async () => {
    emulator.setSwitches({ eventId: 'keep' })
    for (const apiCalls of [1, 2]) await post({ eventId: 'mine', date: monday, attributes: { apiCalls } })
    await page.goto(`${emulator.url}/#events`)
    await page.locator('#event-list li').nth(1).waitFor()
    await post({ eventId: 'mine', date: monday, attributes: { apiCalls: 3 } })
    await page.locator('#event-list li').nth(2).waitFor()
    const bodies = await page.locator('#event-list pre').allTextContents()
    expect(bodies.map((body) => JSON.parse(body).attributes.apiCalls)).toEqual([3, 2, 1])
  })

  test('the events are searched and read beyond the first hundred, with their endpoint first', async () => {
    const attributes = { apiType: 'RESTful', apiCalls: 5, method: 'GET', endpoint: '/v1/orders' }
    for (let at = 0; at < 101; at += 1) await post({ date: monday, attributes })
    await post({ identifyId: 'bob', date: monday, attributes: { ...attributes, endpoint: '/v1/invoices' } })
    await page.goto(`${emulator.url}/#events`)
    await page.getByText('The newest 100 of 102').waitFor()
    expect(await page.locator('.gist').first().textContent()).toBe('GET /v1/invoices, apiCalls 5')
    expect(await page.locator('.received').first().textContent()).toMatch(
      /^received \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
    )
    await page.getByRole('button', { name: 'Show older events' }).click()
    await page.getByText('102 in all').waitFor()
    await page.getByLabel('Search').fill('BOB')
    await page.getByText('1 of 102 contain this text').waitFor()
    expect(await page.locator('#event-list li').count()).toBe(1)
  })

  test('the table is sorted by its headings, has totals, and aligns its decimals', async () => {
    for (const [accountId, calls] of [
      ['acme', [1, 9, 4]],
      ['globex', [2.5, 3, 1]],
    ] as const) {
      for (const [day, apiCalls] of calls.entries()) {
        await post({ date: monday + day * dayMs, accountId, attributes: { apiCalls } })
      }
    }
    await page.goto(`${emulator.url}/?by=accountId&from=2026-11-09&to=2026-11-11`)
    await page.getByText('20.5 in all').waitFor()
    expect(await tableRows()).toEqual([
      ['2026-11-09', '1', '2.50', '3.50'],
      ['2026-11-10', '9', '3.00', '12.00'],
      ['2026-11-11', '4', '1.00', '5.00'],
    ])
    expect(await page.locator('#values tfoot td').allTextContents()).toEqual(['Total', '14', '6.50', '20.50'])
    const firsts = async () => (await tableRows()).map(([day]) => day?.slice(-2))
    await page.locator('#values').getByRole('button', { name: 'acme' }).click()
    expect(await firsts()).toEqual(['10', '11', '09'])
    expect(await page.locator('#values th').nth(1).getAttribute('aria-sort')).toBe('descending')
    await page.locator('#values').getByRole('button', { name: 'acme' }).press('Enter')
    expect(await firsts()).toEqual(['09', '11', '10'])
  })

  test('a long id leaves room for the numbers, and the choices are folded on a phone', async () => {
    const long = 'a-very-long-id-'.repeat(14)
    for (const accountId of [long, 'acme'])
      await post({ date: monday, accountId, attributes: { apiCalls: 1_234 } })
    for (const width of [1_400, 420]) {
      await openPage({ viewport: { width, height: 900 } })
      await page.goto(`${emulator.url}/?by=accountId`)
      await page.getByText('2,468 in all').waitFor()
      expect(await page.getByLabel('Break down by').isVisible()).toBe(width === 1_400)
      await page.getByText('Table of these numbers').click()
      const heights = await page
        .locator('#values tbody td')
        .evaluateAll((all) => all.map((each) => each.clientHeight))
      expect(Math.max(...heights)).toBeLessThan(60)
      expect(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
    }
    await page.getByText('Choices and filters').click()
    await page.getByLabel('Break down by').selectOption('Nothing')
    await page.getByRole('heading', { name: 'API calls per day', exact: true }).waitFor()
  })

  test('characters that turn the text around them are shown as what they are', async () => {
    const turned = 'acme\u202Egpj.exe'
    await post({
      identifyId: turned,
      accountId: turned,
      date: monday,
      attributes: { apiCalls: 5, note: 'a\u0000b\u200Bc' },
    })
    await post({ identifyId: 'שלום', accountId: 'שלום', date: monday, attributes: { apiCalls: 4 } })
    await page.goto(`${emulator.url}/?by=accountId`)
    await page.getByRole('button', { name: 'acme\\u202Egpj.exe' }).first().waitFor()
    await page.getByRole('button', { name: 'שלום' }).first().waitFor()
    await page.goto(`${emulator.url}/#events`)
    await page.getByText('a\\u0000b\\u200Bc').first().waitFor()
    expect(await page.evaluate<string>('document.body.innerText')).not.toMatch(/\p{Cf}/u)
  })

  test('the events show each body as it is read back', async () => {
    await post({ date: monday, attributes: { apiCalls: 5, nested: { a: 1 } } })
    await page.goto(`${emulator.url}/#events`)
    await page.locator('#event-list summary').click()
    const body = await page.locator('#event-list pre').textContent()
    expect(JSON.parse(body ?? '')).toEqual(emulator.events()[0])
  })

  test('a range that ends before it begins says so', async () => {
    await post({ date: monday, attributes: { apiCalls: 5 } })
    await page.goto(emulator.url)
    await page.getByText('5 in all').waitFor()
    await page.locator('[name=from]').fill('2026-11-20')
    await page.locator('[name=to]').fill('2026-11-10')
    await page.locator('[name=to]').press('Tab')
    await page.getByRole('alert').getByText('From (2026-11-20) is after To (2026-11-10).').waitFor()
    expect(await page.locator('#chart').isVisible()).toBe(false)
    expect(await page.locator('[name=from]').getAttribute('aria-invalid')).toBe('true')
    await page.locator('[name=from]').fill('2026-11-01')
    await page.locator('[name=from]').press('Tab')
    await page.getByText('5 in all').waitFor()
    expect(await page.getByRole('alert').isVisible()).toBe(false)
  })

  test('hostile names and values are text', async () => {
    emulator.setSwitches({ undeclaredAttribute: 'store' })
    const customAttributes = { [hostile]: hostile }
    await send('users', { identifyId: hostile, accountId: hostile, propertyKeys: ['AP-1'], customAttributes })
    await send('accounts', { id: hostile, name: hostile, propertyKeys: ['AP-1'], customAttributes })
    await post({
      eventName: hostile,
      identifyId: hostile,
      accountId: hostile,
      date: monday,
      attributes: { [hostile]: hostile, n: 1, ['__proto__']: 'x' },
    })
    await page.goto(emulator.url)
    await page.getByRole('heading', { name: 'N per day' }).waitFor()
    await page.getByLabel('Break down by').selectOption(hostile)
    await page.getByText('Table of these numbers').click()
    await page.locator('#values').getByRole('columnheader', { name: hostile }).waitFor()
    await page.getByRole('button', { name: 'Add filter' }).click()
    await page.getByLabel('Filter value').fill(hostile)
    await page.getByLabel('Filter value').press('Tab')
    await page.getByText('1 in all').waitFor()
    await page.getByRole('link', { name: 'Audience' }).click()
    await page.getByRole('columnheader', { name: hostile }).first().waitFor()
    expect(await page.getByRole('cell', { name: hostile }).count()).toBeGreaterThan(3)
    await page.getByRole('link', { name: 'Events' }).click()
    await page.locator('#event-list summary').click()
    expect(await page.locator('#event-list pre').textContent()).toContain('onerror')
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.title()).toBe('PX emulator')
  })

  /** axe takes several seconds for a view, so it sees all nine of them with SOAK only. */
  const everyView = process.env.SOAK !== undefined

  test.each(['light', 'dark'] as const)(
    'it fits two desktops and a phone in %s, and axe finds nothing',
    async (colorScheme) => {
      await sendNinetyDays(emulator)
      await mkdir(pictures, { recursive: true })
      for (const [size, width, height] of [
        ['wide', 1_920, 1_080],
        ['desktop', 1_400, 900],
        ['phone', 420, 900],
      ] as const) {
        await openPage({ viewport: { width, height }, colorScheme })
        const fits = () => page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')
        const picture = (name: string) => join(pictures, `${name}-${size}-${colorScheme}.png`)
        await page.goto(`${emulator.url}/?by=accountId&days=30`)
        await page.getByRole('heading', { name: 'Top accounts' }).waitFor()
        await page.screenshot({ path: picture('report') })
        await page.getByText('Table of these numbers').click()
        expect(await faintTexts()).toEqual([])
        if (everyView || size !== 'wide') expect(await axeFindings()).toEqual([])
        expect(await fits()).toBe(true)
        const table = page.locator('#numbers .wide')
        expect(await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
        await table.scrollIntoViewIfNeeded()
        await page.screenshot({ path: picture('table') })
        for (const view of ['Audience', 'Events']) {
          await page.getByRole('link', { name: view }).click()
          await page.getByRole('heading', { name: view === 'Events' ? 'Events' : 'Users' }).waitFor()
          expect(await fits()).toBe(true)
          expect(await faintTexts()).toEqual([])
          if (everyView || size === 'desktop') expect(await axeFindings()).toEqual([])
          await page.screenshot({ path: picture(view.toLowerCase()) })
        }
      }
    },
    300_000,
  )
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMeter, memoryStore } from '@px-usage/core'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { page, root, tableOf } from './pages.ts'

const monitoring = join(root, 'packages/core/monitoring')
const rules = readFileSync(join(monitoring, 'alerts.yml'), 'utf8')
const dashboard = readFileSync(join(monitoring, 'dashboard.json'), 'utf8')

interface Rule {
  alert: string
  labels: { severity: string }
  annotations: { summary: string; description: string; runbook_url: string }
}
const alerts = (parse(rules) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules)

const meter = createMeter({ dryRun: true, store: memoryStore() })
const metrics = meter.metrics()
await meter.close()
const names = metrics.map(
  ({ name, kind }) => `${name.replaceAll('.', '_')}${kind === 'counter' ? '_total' : ''}`,
)
const namesIn = (text: string) => new Set(text.match(/px_usage_\w+/g))

describe('docs/metrics.md', () => {
  it('lists every metric with its kind, its unit and what it is a number of', () => {
    const rows = tableOf('docs/metrics.md', 'The numbers').map(([name, kind, unit, of]) => [
      name,
      kind,
      unit,
      of,
    ])
    const isOfStore = (help: string) =>
      /Only the process that sends|the process that sends|this process sends/.test(help)
    expect(rows).toEqual(
      metrics.map(({ name, kind, unit, help }) => [
        `\`${name}\``,
        kind,
        `\`${unit}\``,
        isOfStore(help) ? 'the store' : 'the process',
      ]),
    )
  })

  it('has a paragraph for every alert, to which the alert links, and for no other', () => {
    const headings = [...page('docs/metrics.md').matchAll(/^### (\w+)$/gm)].map(([, name]) => name)
    expect(headings).toEqual(alerts.map(({ alert }) => alert))
    for (const { alert, labels, annotations } of alerts) {
      expect(annotations.runbook_url).toMatch(new RegExp(`/docs/metrics\\.md#${alert.toLowerCase()}$`))
      expect(annotations.summary).toMatch(/\{\{ \$labels\.job \}\}/)
      expect(annotations.description).toMatch(/\.$/)
      const [, paragraph = ''] = page('docs/metrics.md').split(`### ${alert}\n`)
      expect(paragraph.split('###')[0]?.includes('**Look at night:**'), alert).toBe(
        labels.severity === 'critical',
      )
    }
  })

  it.each([
    ['docs/metrics.md', page('docs/metrics.md')],
    ['the alert rules', rules],
    ['the dashboard', dashboard],
  ])('and %s name only metrics that exist', (_file, text) => {
    expect([...namesIn(text)].filter((name) => !names.includes(name))).toEqual([])
  })
})

it('the dashboard shows every metric', () => {
  expect(names.filter((name) => !namesIn(dashboard).has(name))).toEqual([])
})

import type { Output } from '../output.ts'
import { oneLine } from '../terminal-text.ts'
import type { SetUpSheet } from './set-up-sheet.ts'

/** Prints a sheet for people. */
export function printSheet({ isSeen, keys, events, attributes, reports }: SetUpSheet, output: Output): void {
  output.heading('1. Keys')
  output.facts([
    ['REST API key', 'Administration > REST API, with the permissions Write and Read: PX_API_KEY'],
    [
      'Product key',
      keys.productKey === undefined
        ? 'Administration > Products, AP-...: PX_PRODUCT_KEY'
        : oneLine(`${keys.productKey} must be a product of the subscription`),
    ],
    ['Address', `${keys.address}: PX_REGION, or PX_BASE_URL`],
    ['Time zone', `${keys.timeZone}: the same under Administration > Company Details`],
  ])
  output.line()
  output.heading('2. Events: PX needs no declaration')
  if (!isSeen) {
    output.facts([
      ['Note', 'No counts were found, so these are the events of the default options.'],
      ['', 'Call the app once and give its folder with --dir, or its Redis with --redis.'],
    ])
  }
  for (const { eventName, oneFor, properties } of events) {
    output.line()
    output.line(`  ${output.style('bold', oneLine(eventName))}`)
    output.line(`  One for ${oneFor}.`)
    output.table({
      columns: ['Property', 'Type', 'Meaning'],
      rows: properties.map(({ name, type, meaning }) => [name, type, meaning]),
    })
  }
  output.line()
  output.heading('3. Attributes to declare: Administration > Attributes')
  if (attributes.length === 0) {
    output.facts([
      ['None', 'Name those of the option attributes with --user-attribute and --account-attribute.'],
    ])
  } else {
    output.table({
      columns: ['Of', 'API name', 'Type'],
      rows: attributes.map(({ of, apiName }) => [of, apiName, 'Number']),
    })
  }
  output.line()
  output.heading('4. Reports: Query Builder')
  for (const eventName of new Set(reports.map((report) => report.eventName))) {
    output.line()
    output.line(`  ${output.style('bold', oneLine(eventName))}`)
    output.table({
      columns: ['Report', 'Property', 'Function', 'Scope', 'By'],
      rows: reports
        .filter((report) => report.eventName === eventName)
        .map((report) => [report.title, report.property, report.function, report.scope, report.by]),
    })
  }
  output.line()
  output.facts([
    ['Sum', 'A week has about 7 times the Sum of a day, and a month about 30 times.'],
    ['Average', 'Divides by the number of events: per user and active day. Not for events by endpoint.'],
    ['Both', 'Never add the events by user and those by endpoint: each call is in both.'],
  ])
}

import * as core from '@px-usage/core'
import type {
  BatchDelivery,
  DeliveryResult,
  DeliveryState,
  Dispatcher,
  Endpoint,
  LastError,
  Meter,
  MeterOptions,
  MeterStats,
  OutboxCounts,
  ReadingStats,
  Region,
  SendLine,
  SeriesLimits,
  Store,
  UsageOptions,
} from '@px-usage/express'
import * as forExpress from '@px-usage/express'
import type { UsageOptions as KoaOptions } from '@px-usage/koa'
import * as forKoa from '@px-usage/koa'
import type { Request, Response } from 'express'
import type { Context } from 'koa'
import { expect, expectTypeOf, it } from 'vitest'

// Checked by the compiler, except where something is expected of values.
it('an app can name the types of the options that it builds', () => {
  expectTypeOf(forExpress.pxUsage).toBeCallableWith({} as UsageOptions<Request>)
  expectTypeOf(forExpress.pxUsage).toBeCallableWith({} as UsageOptions<Request, Response>)
  expectTypeOf(forKoa.pxUsage).toBeCallableWith({} as KoaOptions<Context>)
  expectTypeOf<NonNullable<MeterOptions['region']>>().toEqualTypeOf<Region>()
  expectTypeOf<NonNullable<MeterOptions['limits']>>().toEqualTypeOf<Partial<SeriesLimits>>()
  expectTypeOf<NonNullable<MeterOptions['dispatcher']>>().toEqualTypeOf<Dispatcher>()
  expectTypeOf<NonNullable<MeterOptions['delivery']>>().toEqualTypeOf<SendLine | BatchDelivery>()
  expectTypeOf<NonNullable<MeterOptions['store']>>().toEqualTypeOf<Store>()
  expectTypeOf<ReturnType<SendLine>>().toEqualTypeOf<Promise<DeliveryResult>>()
})

it('an app can name the types of what a meter returns', () => {
  expectTypeOf<ReturnType<Meter['stats']>>().toEqualTypeOf<MeterStats>()
  expectTypeOf<MeterStats['lines']>().toEqualTypeOf<OutboxCounts>()
  expectTypeOf<MeterStats['delivery']>().toEqualTypeOf<DeliveryState>()
  expectTypeOf<NonNullable<DeliveryState['lastError']>>().toEqualTypeOf<LastError>()
  expectTypeOf<MeterStats['readings']>().toExtend<ReadingStats>()
  expectTypeOf<ReturnType<Meter['endpoints']>>().toEqualTypeOf<Endpoint[]>()
})

it.each([
  ['express', forExpress],
  ['koa', forKoa],
])('@px-usage/%s exports the functions that an app needs', (_framework, exported) => {
  // `export type *` becomes `export *` in the built declarations: they are true only while all values are exported as well.
  expect(Object.keys(exported).sort()).toEqual(
    [...Object.keys(core), 'graphqlOperation', 'openapiOperation', 'pxUsage'].sort(),
  )
  expect(Object.keys(core).sort()).toEqual([
    'UsageError',
    'codes',
    'createMeter',
    'fileStore',
    'identifyBy',
    'memoryStore',
    'webhookDelivery',
  ])
})

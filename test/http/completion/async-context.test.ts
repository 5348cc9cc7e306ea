import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { describe, expect, it } from 'vitest'
import {
  areStoresInUse,
  contextType,
  currentContext,
  mayHaveStores,
  richerContext,
} from '../../../packages/http/src/completion/async-context.ts'

const user = new AsyncLocalStorage<string>()
const trace = new AsyncLocalStorage<string>()
const within = (context: AsyncResource) =>
  context.runInAsyncScope(() => [user.getStore(), trace.getStore()].filter((store) => store !== undefined))

describe('the context of this moment', () => {
  it('keeps the stores of the moment in which it was taken', () => {
    const context = user.run('ann', currentContext)
    expect(context).toBeInstanceOf(AsyncResource)
    expect(within(context)).toEqual(['ann'])
    expect(user.run('bob', () => within(context))).toEqual(['ann'])
  })

  it('may have stores once an AsyncLocalStorage was entered in it', () => {
    expect(mayHaveStores(user.run('ann', currentContext))).toBe(true)
    expect(areStoresInUse()).toBe(true)
  })

  it('has a type that hooks of the app can filter by', () => {
    expect(contextType).toBe('PxUsageCall')
  })
})

describe('the richer of two contexts', () => {
  const empty = currentContext()
  const ann = user.run('ann', currentContext)
  const annTraced = user.run('ann', () => trace.run('t1', currentContext))
  const bob = user.run('bob', currentContext)
  const traced = trace.run('t1', currentContext)

  it('is the later one when it has a store more', () => {
    expect(richerContext(empty, ann)).toBe(ann)
    expect(richerContext(ann, annTraced)).toBe(annTraced)
  })

  it('is the earlier one when the later one lost a store', () => {
    expect(richerContext(ann, empty)).toBe(ann)
    expect(richerContext(annTraced, ann)).toBe(annTraced)
    expect(richerContext(ann, traced)).toBe(ann)
  })

  it('is the earlier one when both have the same stores with other values', () => {
    expect(richerContext(ann, bob)).toBe(ann)
  })
})

import { memoryStore, pxUsage, type Store } from '@px-usage/express'

/** Reports each method of a store that takes longer than a limit. */
function watched(store: Store, { limitMs }: { limitMs: number }): Store {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const startedAt = performance.now()
        const result = member.apply(target, args)
        const report = () => {
          const ms = performance.now() - startedAt
          if (ms > limitMs) console.warn(`${String(name)} took ${Math.round(ms)} ms`)
        }
        if (result instanceof Promise) result.then(report, report)
        return result
      }
    },
  })
}

const usage = pxUsage({ identify, store: watched(memoryStore(), { limitMs: 50 }) })

// --- the app
import express from 'express'

const app = express()
app.use(usage)
app.get('/hello', (_req, res) => void res.send('hello'))
function identify() {
  return { userId: 'ann', accountId: 'acme' }
}

export const listener = app
export const { meter } = usage

import fs from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { realDisk } from '../../packages/core/src/files/disk.ts'
import type { OutboxLine, Settlement } from '../../packages/core/src/model/outbox-line.ts'
import { MemoryOutbox } from '../../packages/core/src/outbox/memory-outbox.ts'
import { Outbox } from '../../packages/core/src/outbox/outbox.ts'
import { line } from '../support/count-batch.ts'
import { outboxOf } from '../support/outbox-folder.ts'

const folder = outboxOf(beforeEach, afterEach)

/** A long run: `SOAK=5000 npx vitest run --config test/vitest.config.ts outbox-model`. */
const runs = Number(process.env.SOAK ?? 40)
const days = ['2026-11-21', '2026-11-22', '2026-11-23']

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      lines: fc.array(fc.record({ day: fc.nat(2), isTotal: fc.boolean() }), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      limit: fc.integer({ min: 1, max: 8 }),
      isMarked: fc.boolean(),
      fates: fc.array(fc.nat(5), { minLength: 8, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(400_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

it('the outbox on a disk gives and counts the lines that one in memory does', async () => {
  let epoch = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      for (const name of fs.readdirSync(folder.outbox)) fs.rmSync(folder.path(name))
      const { dir, clock } = folder
      const open = () =>
        Outbox.open({
          disk: realDisk,
          dir,
          epoch: ++epoch,
          clock,
          damaged: folder.damagedOn(),
          isReplaced: false,
        })
      const model = new MemoryOutbox(clock)
      let outbox = await open()
      let ids = 0
      try {
        for (const one of [...steps, { do: 'advance' as const, ms: 3_600_000 }, ...drain]) {
          if (one.do === 'put') {
            const lines: OutboxLine[] = one.lines.map(({ day, isTotal }) =>
              line(`l${ids++}`, days[day] as string, isTotal ? 'total' : 'detail'),
            )
            await outbox.put(lines)
            model.put(lines)
          } else if (one.do === 'advance') await clock.advance(one.ms)
          else if (one.do === 'restart') {
            outbox.close()
            outbox = await open()
          } else {
            const claim = await outbox.claim(one.limit)
            expect(claim).toEqual(model.claim(one.limit))
            const claimed = claim.lines.map(({ id }) => id)
            if (one.isMarked) {
              await outbox.markAttempts(claimed, clock.now())
              model.markAttempts(claimed, clock.now())
            }
            const settlements = claimed.map((id, at): Settlement => {
              const fate = one.isMarked ? one.fates[at] : 1
              if (fate === 0) return { id, state: 'rejected', reason: 'no' }
              if (fate === 1) return { id, state: 'pending', waitMs: 0 }
              if (fate === 2) return { id, state: 'pending', waitMs: 60_000 }
              if (fate === 3) return { id, state: 'unconfirmed', waitMs: 0 }
              if (fate === 4) return { id, state: 'withdrawn' }
              return { id, state: 'delivered' }
            })
            await outbox.settle(settlements)
            model.settle(settlements)
          }
          expect(outbox.counts()).toEqual(model.counts())
        }
      } finally {
        outbox.close()
      }
    }),
    { numRuns: runs },
  )
}, 600_000)

const drain = Array.from({ length: 20 }, () => ({
  do: 'send' as const,
  limit: 8,
  isMarked: true,
  fates: Array.from({ length: 8 }, () => 5),
}))

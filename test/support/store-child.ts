import { systemClock } from '../../packages/core/src/clock.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { fileStore } from '../../packages/core/src/stores/file-store.ts'
import { batches } from './count-batch.ts'

/** Counts one call after the other into the folder given, and says how many are stored, until it is killed. */
const store = fileStore({ dir: process.argv[2] as string })
await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
const batch = batches()
let stored = 0
function count(): void {
  store.add(batch({ ada: 1, [`user ${stored % 50}`]: 1 }))
  stored += 1
  process.stdout.write(`${stored}\n`)
  setImmediate(count)
}
count()

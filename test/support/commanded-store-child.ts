import { createInterface } from 'node:readline'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createDiagnostics } from '../../packages/core/src/diagnostics.ts'
import { fileStoreOn } from '../../packages/core/src/stores/file-store.ts'
import { batches, day, line, oneLinePerUserOnce } from './count-batch.ts'
import { diskWith, isChange } from './failing-disk.ts'

/*
 * A process with a store in the folder given. It runs each line of its input as a command and prints one line as the reply.
 * With a second argument it kills itself at the change of the disk with that number.
 */
const [dir = '', killAt] = process.argv.slice(2)
let changes = 0
const disk = diskWith((call, args) => {
  if (!isChange(call, args)) return
  changes += 1
  if (changes === Number(killAt)) process.kill(process.pid, 'SIGKILL')
})
const store = fileStoreOn(disk, { dir })
const batch = batches()

const commands: Record<string, (...words: string[]) => unknown> = {
  add: (user = '', calls) => store.add(batch({ [user]: Number(calls) })),
  seal: () => store.seal(day),
  closeDay: async () => JSON.stringify(await store.closeDay(day, oneLinePerUserOnce())),
  put: (id = '') => store.put([line(id)]),
  claim: async () => (await store.claim(9)).lines.map(({ id }) => id).join(' '),
  mark: (id = '') => store.markAttempts([id], Date.now()),
  settle: (id = '') => store.settle([{ id, state: 'delivered' }]),
  changes: () => String(changes),
  close: () => store.close(),
}

await store.open({ clock: systemClock, diagnostics: createDiagnostics(), timeZone: 'UTC' })
console.log(`ready ${process.pid}`)
for await (const text of createInterface({ input: process.stdin })) {
  const [command = '', ...words] = text.split(' ')
  const answer = await commands[command]?.(...words)
  console.log(`${command} ${answer ?? ''}`)
}

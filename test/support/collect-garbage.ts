import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Collects what is garbage by now, in a process that was started without a flag for it. */
export const collectGarbage = runInNewContext('gc') as () => void

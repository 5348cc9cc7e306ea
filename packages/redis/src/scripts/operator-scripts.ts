import { outboxScript } from './outbox-scripts.ts'
import type { Script } from './script.ts'

/**
 * Removes rejected lines, and adds those that are sent again. ARGV: now, process, then each item of the list and the line as `putLines`
 * takes it, or an empty text for a line that is discarded. An item that is no longer there is skipped.
 */
export const changeRejectedLines: Script = outboxScript(
  'changeRejectedLines',
  `
for at = 3, #ARGV, 2 do
  if redis.call('LREM', REJECTED, 1, ARGV[at]) == 1 then
    redis.call('HINCRBY', COUNTS, 'rejected', -1)
    if ARGV[at + 1] ~= '' and addLine(ARGV[at + 1]) then redis.call('HINCRBY', COUNTS, 'open', 1) end
  end
end
return counts()
`,
)

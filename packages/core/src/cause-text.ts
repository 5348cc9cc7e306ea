import { UsageError } from './errors.ts'

const maxCauseLength = 300
const maxCauses = 3

/**
 * What an error was caused by, a line for each cause with the place in the app where it was thrown: for those who have only
 * the text. A cause that the message quotes is left out. `undefined` if there is nothing to add.
 */
export function causeText({ message, cause }: { message: string; cause?: unknown }): string | undefined {
  const lines: string[] = []
  try {
    let error = cause
    for (let depth = 0; error !== undefined && error !== null && depth < maxCauses; depth++) {
      const own = messageOf(error)
      if (own === '' || !message.includes(own)) {
        const name = error instanceof Error ? `${error.name}: ` : ''
        lines.push(`Cause: ${oneLine(name + own)}${placeOf(error)}`)
      }
      error = (error as { cause?: unknown }).cause
    }
  } catch {
    lines.push('Cause: an error that cannot be read.')
  }
  return lines.length === 0 ? undefined : lines.join('\n')
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // The error of all addresses that were tried has its message in its parts (Node.js docs, `autoSelectFamily`).
  const [first] = error instanceof AggregateError && error.message === '' ? error.errors : []
  return first instanceof Error ? first.message : error.message
}

function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return line.length > maxCauseLength ? `${line.slice(0, maxCauseLength - 3)}...` : line
}

/** Frames of Node and of px-usage say nothing to the app. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error && !(error instanceof UsageError) ? error.stack : undefined
  const frame = typeof stack === 'string' ? /^ +at .*$/m.exec(stack)?.[0].trim() : undefined
  return frame === undefined || /node:|@px-usage/.test(frame) ? '' : ` (${oneLine(frame)})`
}

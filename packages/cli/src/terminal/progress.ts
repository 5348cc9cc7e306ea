import type { OutputStream } from '../output.ts'
import { cut, formatCount, formatDuration, oneLine } from '../terminal-text.ts'

/** The progress of long work. */
export interface Progress {
  /** Reports that more was done. */
  add(count: number): void
  /** Corrects the total, when it becomes known while the work runs. */
  setTotal(total: number): void
  /** Removes the bar, so that the result begins on a clean line. */
  end(): void
}

const barWidth = 20
/** How often the bar is drawn at most. */
const drawnEveryMs = 100

/**
 * Shows a bar with rate and time left on a terminal: `Reading PX [######----]  412/1,000 pages  41/s  14 s left`. Elsewhere it prints
 * nothing. It draws on stderr, so that the result on stdout can be piped.
 */
export function createProgress({
  stream,
  label,
  unit,
  total,
  now,
}: {
  stream: OutputStream
  label: string
  /** What is counted, in the plural. */
  unit: string
  /** `undefined`: the total is not known yet. */
  total: number | undefined
  now(): number
}): Progress {
  const startedMs = now()
  let done = 0
  let drawnMs = Number.NEGATIVE_INFINITY
  let isDrawn = false

  function draw(): void {
    const seconds = (now() - startedMs) / 1_000
    const rate = seconds > 0 ? done / seconds : 0
    const parts = [
      total === undefined
        ? `${formatCount(done)} ${unit}`
        : `${formatCount(done)}/${formatCount(total)} ${unit}`,
      ...(rate > 0 ? [`${formatCount(rate >= 10 ? Math.round(rate) : Math.round(rate * 10) / 10)}/s`] : []),
      ...(rate > 0 && total !== undefined && total > done
        ? [`${formatDuration(((total - done) / rate) * 1_000)} left`]
        : []),
    ]
    const text = `${oneLine(label)} ${barOf(done, total)}  ${parts.join('  ')}`
    stream.write(`\r${cut(text, (stream.columns ?? 80) - 1)}\u001b[K`)
    isDrawn = true
  }

  function change(): void {
    const isDue = now() - drawnMs >= drawnEveryMs
    if (stream.isTTY !== true || !isDue) return
    drawnMs = now()
    draw()
  }

  return {
    add(count) {
      done += count
      change()
    },
    setTotal(known) {
      total = known
      change()
    },
    end() {
      if (isDrawn) stream.write('\r\u001b[K')
      isDrawn = false
    },
  }
}

function barOf(done: number, total: number | undefined): string {
  if (total === undefined || total === 0) return `[${'-'.repeat(barWidth)}]`
  const full = Math.min(barWidth, Math.floor((done / total) * barWidth))
  return `[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}]`
}

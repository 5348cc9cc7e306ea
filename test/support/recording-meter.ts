import type { FinishedCall, Meter } from '@px-usage/core'

/** A meter that keeps the calls that it was given. */
export function recordingMeter(): { meter: Meter; calls: FinishedCall[] } {
  const calls: FinishedCall[] = []
  const meter = {
    record: (call: FinishedCall) => void calls.push(call),
    ignore() {},
    callbackFailed() {},
    adapterFailed() {},
  }
  return { meter: meter as unknown as Meter, calls }
}

import { constants, setPriority } from 'node:os'

/**
 * Gives this process the lowest priority of the system. On a machine that is busy, a command that reads a large folder would otherwise
 * take CPU from the service beside it.
 */
export function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW)
  } catch {
    // A sandbox may forbid it.
  }
}

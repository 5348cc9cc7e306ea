import timers from 'node:timers'

/**
 * Node's own functions, taken when this file is loaded. Fake timers of test kits take the place of the global ones later, and
 * a call would not be counted before the test moves its clock.
 */
export const { setImmediate, setTimeout } = timers
export const { nextTick } = process

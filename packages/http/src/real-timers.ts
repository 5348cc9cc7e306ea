import timers from 'node:timers'

/**
 * Node's own functions, taken when this file is loaded. Test tools replace the global functions with fake timers later, and with
 * those a call would be counted only when the test advances its clock.
 */
export const { setImmediate, setTimeout } = timers
export const { nextTick } = process

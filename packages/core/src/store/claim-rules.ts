/** A claim ends by itself: whoever claimed a line could perhaps not tell what became of it. Longer than any request. */
export const leaseMs = 300_000
/** No line waits longer than this after a restart, whatever the wall clock was when its wait was noted. */
export const longestWaitMs = 3_600_000
/** So many ids of lines put singly are remembered after their delivery, the oldest forgotten first. */
export const maxKnownPuts = 10_000

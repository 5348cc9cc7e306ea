/** A claim ends by itself: whoever claimed a line could perhaps not tell what became of it. Longer than any request. */
export const leaseMs = 300_000
/** So many ids of lines put singly are remembered after their delivery, the oldest forgotten first. */
export const maxKnownPuts = 10_000

interface Entry<Value> {
  readonly key: string
  value: Value
  older: Entry<Value>
  newer: Entry<Value>
}

/** A map that holds at most `max` keys: beyond that it removes the key that was used longest ago. */
export interface RecentlyUsed<Value extends object> {
  /** Returns the value of a key, which is thereby the one used last. */
  use(key: string): Value | undefined
  /** Sets the value of a key, which is thereby the one used last. */
  set(key: string, value: Value): void
}

/**
 * Creates the map. The entries are a ring in the order of use, so that a use costs the same with any number of keys. To delete and add
 * the key of a `Map` instead would make it copy all of its keys again and again: 100 ms at a time with a million of them.
 */
export function createRecentlyUsed<Value extends object>(max: number): RecentlyUsed<Value> {
  const entries = new Map<string, Entry<Value>>()
  /** The place in the ring between the newest entry and the oldest. */
  const end = {} as Entry<Value>
  end.older = end
  end.newer = end

  function takeOut({ older, newer }: Entry<Value>): void {
    older.newer = newer
    newer.older = older
  }

  function putLast(entry: Entry<Value>): void {
    entry.older = end.older
    entry.newer = end
    end.older.newer = entry
    end.older = entry
  }

  return {
    use(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      if (end.older !== entry) {
        takeOut(entry)
        putLast(entry)
      }
      return entry.value
    },

    set(key, value) {
      const known = entries.get(key)
      if (known !== undefined) {
        known.value = value
        takeOut(known)
        putLast(known)
        return
      }
      if (entries.size >= max) {
        const oldest = end.newer
        takeOut(oldest)
        entries.delete(oldest.key)
      }
      const entry = { key, value, older: end, newer: end }
      putLast(entry)
      entries.set(key, entry)
    },
  }
}

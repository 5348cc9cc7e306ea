/** A constructor that adds its fields to an object that exists already. */
export class Extension {
  constructor(target: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the fields of a derived class are added to what is returned here.
    return target
  }
}

export interface PrivateSlot<Value> {
  /** @returns `undefined` for what is no object */
  get(target: unknown): Value | undefined
  set(target: object, value: Value): void
}

/**
 * A private field of objects that others have made. The app cannot see it, and on Node 20 and 24 it takes 0.03 us, where an entry
 * of a WeakMap or a hidden property takes 0.3 us and more.
 */
export function createSlot<Value>(): PrivateSlot<Value> {
  return class Slot extends Extension {
    #value: Value | undefined

    static get(target: unknown): Value | undefined {
      return typeof target === 'object' && target !== null && #value in target ? target.#value : undefined
    }

    static set(target: object, value: Value): void {
      const slot = #value in target ? target : (new Slot(target) as typeof target & Slot)
      slot.#value = value
    }
  }
}

/** A constructor that adds its fields to an object that exists already. */
export class Extension {
  constructor(target: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the fields of a derived class are added to what is returned here.
    return target
  }
}

export interface PrivateSlot<Value> {
  /** @returns `undefined` for a target without a value, and for one that is not an object */
  get(target: unknown): Value | undefined
  /** @throws {TypeError} for a target that is not an object */
  set(target: object, value: Value): void
}

/**
 * A private field on objects that others have created. The app cannot see it. An entry of a WeakMap for each request costs 14 us
 * on Node 24, most of it at garbage collection; the field costs less than the noise (test/bench/README.md).
 */
export function createSlot<Value>(): PrivateSlot<Value> {
  /** For objects that cannot be extended: newer versions of V8 refuse them private fields as well. */
  let others: WeakMap<object, Value> | undefined

  return class Slot extends Extension {
    #value: Value | undefined

    static get(target: unknown): Value | undefined {
      if (typeof target !== 'object' || target === null) return undefined
      return #value in target ? target.#value : others?.get(target)
    }

    static set(target: object, value: Value): void {
      if (#value in target) target.#value = value
      else if (Object.isExtensible(target)) (new Slot(target) as typeof target & Slot).#value = value
      else {
        others ??= new WeakMap()
        others.set(target, value)
      }
    }
  }
}

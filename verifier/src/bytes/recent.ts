/**
 * A bounded map that forgets what was not used lately: two generations, of which the older one is dropped when the
 * newer one is full. What is found in the older moves on to the newer.
 */
export class Recent<Value> {
  readonly #limit: number
  #newer = new Map<string, Value>()
  #older = new Map<string, Value>()

  /** At most `limit` entries are kept, and at least half as many. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): Value | undefined {
    const value = this.#newer.get(key)
    if (value !== undefined) return value
    const older = this.#older.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: string, value: Value): void {
    if (this.#newer.size >= this.#limit / 2 && !this.#newer.has(key)) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(key, value)
  }
}

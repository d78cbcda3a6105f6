const encoder = new TextEncoder()

/** Collects little-endian values. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = []
  #length = 0

  u8(value: number): void {
    this.bytes(Uint8Array.of(value))
  }

  u32(value: number): void {
    this.#fixed(4, (view) => view.setUint32(0, value, true))
  }

  i32(value: number): void {
    this.#fixed(4, (view) => view.setInt32(0, value, true))
  }

  f32(value: number): void {
    this.#fixed(4, (view) => view.setFloat32(0, value, true))
  }

  u64(value: number): void {
    this.#fixed(8, (view) => view.setBigUint64(0, BigInt(value), true))
  }

  /** Length in bytes, then UTF-8. */
  string(value: string): void {
    const bytes = encoder.encode(value)
    this.u64(bytes.length)
    this.bytes(bytes)
  }

  bytes(value: Uint8Array): void {
    this.#parts.push(value)
    this.#length += value.length
  }

  /** Zeros up to the next multiple. */
  align(alignment: number): void {
    this.bytes(new Uint8Array((alignment - (this.#length % alignment)) % alignment))
  }

  /** Everything written so far. */
  concat(): Uint8Array {
    const all = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }

  #fixed(length: number, write: (view: DataView) => void): void {
    const view = new DataView(new ArrayBuffer(length))
    write(view)
    this.bytes(new Uint8Array(view.buffer))
  }
}

import { concatBytes } from '../bytes/bytes.ts'
import { MAX_RESPONSE_BYTES } from '../protocol/limits.ts'
import { SealingError } from './sealing-error.ts'

/** Bytes of an AES-GCM tag. */
export const TAG_BYTES = 16
/** Largest ciphertext of a frame. The format allows 4 GiB, for which nobody should have to make room (attack E16). */
export const MAX_FRAME_BYTES: number = MAX_RESPONSE_BYTES + TAG_BYTES

const LENGTH_BYTES = 4

/** One frame of a sealed body: be32 length of the ciphertext, ciphertext with tag (EHBP, body framing). */
export function encodeFrame(ciphertext: Uint8Array): Uint8Array<ArrayBuffer> {
  if (ciphertext.length > MAX_FRAME_BYTES) {
    throw new SealingError('SEALED_FRAME', `frame: more than ${MAX_FRAME_BYTES} bytes`)
  }
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, ciphertext.length)
  return concatBytes(length, ciphertext)
}

/** A frame as it came: its ciphertext, and every byte of the wire it took, skipped empty frames included. */
export interface WireFrame {
  readonly ciphertext: Uint8Array<ArrayBuffer>
  readonly wire: Uint8Array<ArrayBuffer>
}

/** Cuts a sealed body into whole frames, at any chunking. A frame of length zero is skipped, as EHBP says. */
export class FrameReader {
  /** Chunks that are not yet cut, joined only when a frame is there whole: each byte is copied a few times at most. */
  #chunks: Uint8Array<ArrayBuffer>[] = []
  #held = 0
  /** Bytes that have to be held before anything more can be said. */
  #needed = LENGTH_BYTES
  #skipped: Uint8Array<ArrayBuffer> = new Uint8Array(0)

  /** @throws SealingError `SEALED_FRAME` */
  push(chunk: Uint8Array): readonly WireFrame[] {
    this.#chunks.push(chunk.slice())
    this.#held += chunk.length
    if (this.#held < this.#needed) return []
    const bytes = concatBytes(...this.#chunks)
    const frames: WireFrame[] = []
    let at = 0
    this.#needed = LENGTH_BYTES
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + lengthAt(bytes, at)
      if (end > bytes.length) {
        this.#needed = end - at
        break
      }
      const wire = bytes.slice(at, end)
      if (wire.length === LENGTH_BYTES) this.#skip(wire)
      else frames.push({ ciphertext: wire.slice(LENGTH_BYTES), wire: this.#withSkipped(wire) })
      at = end
    }
    this.#chunks = [bytes.slice(at)]
    this.#held = bytes.length - at
    return frames
  }

  /** @throws SealingError `SEALED_FRAME` when the body ended inside a frame, or in empty ones */
  end(): void {
    if (this.#held > 0) throw new SealingError('SEALED_FRAME', 'ended inside a frame')
    if (this.#skipped.length > 0) throw new SealingError('SEALED_FRAME', 'ended in an empty frame')
  }

  #skip(wire: Uint8Array<ArrayBuffer>): void {
    this.#skipped = concatBytes(this.#skipped, wire)
    if (this.#skipped.length > MAX_SKIPPED_BYTES) {
      throw new SealingError('SEALED_FRAME', 'too many empty frames')
    }
  }

  #withSkipped(wire: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const all = this.#skipped.length === 0 ? wire : concatBytes(this.#skipped, wire)
    this.#skipped = new Uint8Array(0)
    return all
  }
}

function lengthAt(bytes: Uint8Array<ArrayBuffer>, at: number): number {
  const length = new DataView(bytes.buffer).getUint32(at)
  if (length > MAX_FRAME_BYTES) {
    throw new SealingError('SEALED_FRAME', `frame: more than ${MAX_FRAME_BYTES} bytes`)
  }
  if (length !== 0 && length < TAG_BYTES) {
    throw new SealingError('SEALED_FRAME', 'frame: shorter than its tag')
  }
  return length
}

/** Empty frames between two real ones; nobody who means well sends many. */
const MAX_SKIPPED_BYTES = 64

/** All frames of a body that is whole. @throws SealingError `SEALED_FRAME` */
export function framesOf(body: Uint8Array): readonly WireFrame[] {
  const reader = new FrameReader()
  const frames = reader.push(body)
  reader.end()
  return frames
}

import { FrameReader, type WireFrame } from './framing.ts'
import { deriveResponseKeys, frameNonce } from './response-keys.ts'
import { SealingError } from './sealing-error.ts'

/** A piece of an answer: what it says, and the bytes of the wire that said it. */
export interface OpenedFrame {
  readonly plaintext: Uint8Array<ArrayBuffer>
  readonly wire: Uint8Array<ArrayBuffer>
}

/** What the keys of an answer come from. */
export interface ResponseSecrets {
  readonly secret: Uint8Array
  readonly encapsulated: Uint8Array
  readonly responseNonce: Uint8Array
}

/**
 * Opens an answer frame by frame, at any chunking; a frame is given out only when all of it is authentic. Frames are
 * numbered, so one that was moved, repeated or left out does not open. Frames that are missing at the end show
 * nothing here: the receipt over the bytes of the wire tells (docs/protocol.md §10).
 */
export class ResponseOpener {
  readonly #reader = new FrameReader()
  readonly #key: CryptoKey
  readonly #nonceBase: Uint8Array
  #index = 0

  private constructor(key: CryptoKey, nonceBase: Uint8Array) {
    this.#key = key
    this.#nonceBase = nonceBase
  }

  static async create(secrets: ResponseSecrets): Promise<ResponseOpener> {
    const { secret, encapsulated, responseNonce } = secrets
    const { key, nonceBase } = deriveResponseKeys(secret, encapsulated, responseNonce)
    const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
    return new ResponseOpener(imported, nonceBase)
  }

  /** @throws SealingError `SEALED_FRAME`, `SEALED_OPEN` */
  async push(chunk: Uint8Array): Promise<readonly OpenedFrame[]> {
    const opened: OpenedFrame[] = []
    for (const frame of this.#reader.push(chunk)) opened.push(await this.#open(frame))
    return opened
  }

  /** @throws SealingError `SEALED_FRAME` when the answer ended inside a frame */
  end(): void {
    this.#reader.end()
  }

  async #open({ ciphertext, wire }: WireFrame): Promise<OpenedFrame> {
    const iv = frameNonce(this.#nonceBase, this.#index++)
    try {
      const plaintext = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, this.#key, ciphertext)
      return { plaintext: new Uint8Array(plaintext), wire }
    } catch {
      throw new SealingError('SEALED_OPEN', 'does not open under this key')
    }
  }
}

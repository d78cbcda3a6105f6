import { randomBytes32, toHex } from '@jeju/verifier/protocol'

/** Nonces that share one word of the contract's bitmap. */
const WORD_SIZE = 256n

/**
 * Nonces of one channel, counted inside words of 256. InferenceServing keeps one bit a nonce, 256 to a word, so a
 * counted nonce is paid into a word that is there already, a random one into a fresh word each time.
 *
 * The word itself is 248 bits from the CSPRNG, drawn for this object alone: processes that share a wallet and a channel
 * count in words of their own and need neither lock nor counter on disk, and a restart begins a new word, so a process
 * that died between signing and writing down signs nothing twice (attacks P32, T8). Who opened the channel begins with
 * word 0, whose first nonces lie beside what the channel spent and cost least to settle: nobody else has it.
 */
export class Nonces {
  #word = 0n
  #used: bigint

  /** @param channel `opened`: by this process, just now; `found`: one that others may be using */
  constructor(channel: 'opened' | 'found') {
    this.#used = channel === 'opened' ? 0n : WORD_SIZE
  }

  /** The next one, below 2^256; never the same twice. */
  next(): bigint {
    if (this.#used === WORD_SIZE) {
      this.#word = BigInt(toHex(randomBytes32())) / WORD_SIZE
      this.#used = 0n
    }
    return this.#word * WORD_SIZE + this.#used++
  }
}

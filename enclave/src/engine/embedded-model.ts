import { fileURLToPath } from 'node:url'
import type { Hex } from '@jeju/verifier/protocol'

/** A model file, the digest it must have, and the name it is served under. */
export interface PinnedModel {
  readonly path: string
  readonly sha256: Hex
  readonly name: string
}

/** The model that ships with the node, so that a fresh machine answers (see its README). */
export const embeddedModel: PinnedModel = {
  path: fileURLToPath(new URL('../../model/enclave-mini-q8_0.gguf', import.meta.url)),
  sha256: '0x2dcb04e53726dcc991b500855f66cfd2056067d166d35efb6b43a67add689633',
  name: 'enclave-mini',
}

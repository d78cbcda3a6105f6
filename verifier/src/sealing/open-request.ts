import { concatBytes } from '../bytes/bytes.ts'
import { framesOf } from './framing.ts'
import { startOpening } from './hpke.ts'
import type { SealingSuite } from './suite.ts'

/** A request that was sealed to this node. */
export interface OpenedRequest {
  readonly body: Uint8Array<ArrayBuffer>
  /** The secret that its answer is sealed with. */
  readonly responseSecret: Uint8Array<ArrayBuffer>
}

/**
 * Opens a whole sealed body. Every frame is opened before any of it is used.
 * @throws SealingError `SEALED_FRAME`, `SEALED_OPEN`
 */
export async function openRequest(
  suite: SealingSuite,
  privateKey: Uint8Array,
  encapsulated: Uint8Array,
  body: Uint8Array,
): Promise<OpenedRequest> {
  const frames = framesOf(body)
  const opening = await startOpening(suite, privateKey, encapsulated)
  const parts: Uint8Array[] = []
  for (const { ciphertext } of frames) parts.push(await opening.open(ciphertext))
  return { body: concatBytes(...parts), responseSecret: await opening.responseSecret() }
}

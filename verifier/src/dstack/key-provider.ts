import { decodeUtf8 } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asString, exactObject } from '../protocol/shape.ts'
import { singlePayload } from './platform-events.ts'
import type { RuntimeEvent } from './runtime-events.ts'

/** Who gave a TD its keys, as its guest measured it (event `key-provider`). */
export interface KeyProvider {
  /** `kms`, `local-sgx`, `tpm` or `none`. */
  readonly name: string
  /** For a KMS the DER SubjectPublicKeyInfo of its CA (P-256); for `local-sgx` an MRENCLAVE; else empty. */
  readonly id: Uint8Array
}

const MAX_ID_CHARACTERS = 1024

/** The key provider of a replayed log; undefined when its event is missing, doubled or not `{"name","id"}`. */
export function keyProviderOf(platform: readonly RuntimeEvent[]): KeyProvider | undefined {
  const payload = singlePayload(platform, 'key-provider')
  if (payload === undefined) return undefined
  try {
    const value: unknown = JSON.parse(decodeUtf8(payload))
    const object = exactObject(value, 'key-provider', ['name', 'id'])
    return {
      name: asString(object['name'], 'key-provider.name', 64),
      id: fromBareHex(asString(object['id'], 'key-provider.id', MAX_ID_CHARACTERS)),
    }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof ProtocolError)) throw error
    return undefined
  }
}

import { concatBytes, utf8 } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../../bytes/hex.ts'

const SALT_TAG = utf8('jeju/receipt-salt/v1')
const COMMITMENT_TAG = utf8('jeju/receipt-commitment/v1')

/**
 * Salt of a receipt's commitment, out of the authorisation's: client and node both have it from the start, so a client can
 * find its receipt in an archived epoch without the node. Who is shown it learns nothing of the other salt, which would
 * let them guess at request and answer (docs/protocol.md §12).
 */
export function receiptSalt(authorisationSalt: Hex): Hex {
  return toHex(sha256(concatBytes(SALT_TAG, fromHex(authorisationSalt, 32, 'salt'))))
}

/** What stands for a receipt in the tree: nothing to who lacks the salt (attack E11). `receipt` is its exact text. */
export function receiptCommitment(salt: Hex, receipt: string): Hex {
  const digest = sha256(utf8(receipt))
  return toHex(sha256(concatBytes(COMMITMENT_TAG, fromHex(salt, 32, 'salt'), digest)))
}

import { element, integer, sequence, TAG } from '../pki/der-writer.ts'
import type { KeyPair } from '../pki/signing-key.ts'
import {
  ECDSA_WITH_SHA256,
  encodeExtensions,
  encodeName,
  encodeTime,
  writeSigned,
  type ExtensionFields,
  type Name,
  type SignedForm,
  type TimeField,
} from './signed-der.ts'

/** One revoked certificate. */
export interface CrlEntry {
  /** Content of the INTEGER, as it is written. */
  readonly serial: Uint8Array
  readonly date: TimeField
  readonly extensions?: readonly ExtensionFields[]
}

/** Everything a revocation list says (RFC 5280 §5.1). */
export interface CrlFields {
  /** 1 stands for version 2. */
  readonly version: number
  readonly issuer: Name
  readonly thisUpdate: TimeField
  readonly nextUpdate: TimeField | undefined
  /** An empty list is written as one; `undefined` leaves it out, as DER wants. */
  readonly entries: readonly CrlEntry[] | undefined
  readonly extensions: readonly ExtensionFields[]
}

/** DER of a revocation list by that key. */
export function writeCrl(fields: CrlFields, key: KeyPair, form: SignedForm): Uint8Array {
  const { nextUpdate, entries, extensions } = fields
  const tbs = sequence(
    integer(fields.version),
    ECDSA_WITH_SHA256,
    encodeName(fields.issuer),
    encodeTime(fields.thisUpdate),
    ...(nextUpdate === undefined ? [] : [encodeTime(nextUpdate)]),
    ...(entries === undefined ? [] : [sequence(...entries.map(encodeEntry))]),
    element(TAG.explicit0, encodeExtensions(extensions)),
  )
  return writeSigned(tbs, key, form)
}

function encodeEntry({ serial, date, extensions }: CrlEntry): Uint8Array {
  return sequence(
    element(TAG.integer, serial),
    encodeTime(date),
    ...(extensions === undefined ? [] : [encodeExtensions(extensions)]),
  )
}

import { toBareHex, utf8 } from '@jeju/verifier/protocol'
import { usualQeIdentity, usualTcbInfo, type InForce } from './base-documents.ts'
import { authorityKeyId } from './certificate.ts'
import type { WrittenChains } from './chains.ts'
import { writeCrl, type CrlFields } from './crl.ts'
import type { QeIdentityJson, TcbInfoJson } from './documents.ts'
import { forgeSignature, type ForgedSignature } from './forge-signature.ts'
import type { KeyName } from './keys.ts'
import type { ForgedPki, ForgeWorld } from './pki.ts'
import type { SignedForm } from './signed-der.ts'

/** What differs from a genuine revocation list. */
export interface CrlChange extends SignedForm {
  readonly fields?: (fields: CrlFields, pki: ForgedPki) => CrlFields
  readonly signedBy?: KeyName
}

/** What differs from a genuine signed document. */
export interface DocumentChange<Json> {
  readonly value?: (value: Json) => unknown
  /** Changes the text that is signed. */
  readonly text?: (text: string) => string
  readonly signedBy?: KeyName
  readonly signature?: ForgedSignature
  /** Changes the text after it was signed. */
  readonly served?: (text: string) => string
}

/** Changes of the parts of a bundle. */
export interface CollateralChange {
  readonly rootCrl?: CrlChange
  readonly pckCrl?: CrlChange
  readonly tcbInfo?: DocumentChange<TcbInfoJson>
  readonly qeIdentity?: DocumentChange<QeIdentityJson>
}

/** The bundle in the JSON form of dcap-qvl, by member. */
export interface Bundle {
  readonly pck_crl_issuer_chain: string
  readonly root_ca_crl: string
  readonly pck_crl: string
  readonly tcb_info_issuer_chain: string
  readonly tcb_info: string
  readonly tcb_info_signature: string
  readonly qe_identity_issuer_chain: string
  readonly qe_identity: string
  readonly qe_identity_signature: string
}

const DAY_MS = 24 * 3600 * 1000

/** Writes a bundle; everything is in force for 30 days from a day before the moment of the forge. */
export function writeBundle(
  change: CollateralChange,
  pki: ForgedPki,
  chains: WrittenChains,
  world: ForgeWorld,
): Bundle {
  const from = new Date(world.at.getTime() - DAY_MS)
  const inForce: InForce = { from, until: new Date(from.getTime() + 30 * DAY_MS) }
  const tcbInfo = writeDocument(change.tcbInfo ?? {}, usualTcbInfo(inForce), pki, world)
  const identity = writeDocument(change.qeIdentity ?? {}, usualQeIdentity(inForce), pki, world)
  return {
    pck_crl_issuer_chain: chains.pckCrl,
    root_ca_crl: toBareHex(crlOf('root', change.rootCrl ?? {}, pki, inForce, world)),
    pck_crl: toBareHex(crlOf('intermediate', change.pckCrl ?? {}, pki, inForce, world)),
    tcb_info_issuer_chain: chains.tcbInfo,
    tcb_info: tcbInfo.text,
    tcb_info_signature: tcbInfo.signature,
    qe_identity_issuer_chain: chains.qeIdentity,
    qe_identity: identity.text,
    qe_identity_signature: identity.signature,
  }
}

function writeDocument<Json>(
  change: DocumentChange<Json>,
  usual: Json,
  pki: ForgedPki,
  { keys }: ForgeWorld,
): { readonly text: string; readonly signature: string } {
  const json = JSON.stringify(change.value === undefined ? usual : change.value(usual))
  const text = change.text?.(json) ?? json
  const { pair } = change.signedBy === undefined ? pki.signer.key : keys[change.signedBy]
  const signature = toBareHex(forgeSignature(pair, utf8(text), change.signature))
  return { text: change.served?.(text) ?? text, signature }
}

function crlOf(
  issuer: 'root' | 'intermediate',
  { fields: changed, signedBy, ...form }: CrlChange,
  pki: ForgedPki,
  { from, until }: InForce,
  { keys }: ForgeWorld,
): Uint8Array {
  const { fields: certificate, key } = pki[issuer]
  const usual: CrlFields = {
    version: 1,
    issuer: certificate.subject,
    thisUpdate: from,
    nextUpdate: until,
    entries: undefined,
    extensions: [
      // CRL number, always 1 as in Intel's.
      { oid: '2.5.29.20', critical: false, value: Uint8Array.of(0x02, 0x01, 0x01) },
      authorityKeyId(key.point),
    ],
  }
  const { pair } = signedBy === undefined ? key : keys[signedBy]
  return writeCrl(changed?.(usual, pki) ?? usual, pair, form)
}

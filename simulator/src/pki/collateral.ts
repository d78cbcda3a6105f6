import { toBareHex, utf8 } from '@jeju/verifier/protocol'
import { issueCrl, type Identity, type Validity } from './certificate-authority.ts'
import {
  evaluationNumbersText,
  qeIdentityText,
  tcbInfoText,
  type Vintage,
} from './collateral-documents.ts'
import type { SgxPlatform } from './sgx-extension.ts'
import { sign } from './signing-key.ts'

/** The certificates of one simulated Intel PKI. */
export interface SimulatedPki {
  readonly root: Identity
  readonly platformCa: Identity
  readonly pckLeaf: Identity
  readonly tcbSigning: Identity
  readonly platform: SgxPlatform
}

/** Text that the TCB signing key signed, and r ‖ s over its UTF-8. */
export interface SignedText {
  readonly text: string
  readonly signature: Uint8Array<ArrayBuffer>
}

/** Everything Intel publishes for a platform: a bundle and a service are two ways to hand it out. Chains in PEM. */
export interface PublishedCollateral {
  readonly rootCrl: Uint8Array<ArrayBuffer>
  readonly pckCrl: Uint8Array<ArrayBuffer>
  readonly pckCrlIssuerChain: string
  readonly tcbInfo: SignedText
  readonly qeIdentity: SignedText
  readonly evaluationNumbers: SignedText
  /** Of all three documents. */
  readonly signerChain: string
}

const DAY_MS = 24 * 3600 * 1000
const LIFETIME_MS = 30 * DAY_MS

/** Collateral that fits the platform, in force for 30 days from a day before `at`. */
export async function publishCollateral(
  pki: SimulatedPki,
  at: Date,
  vintage: Vintage = {},
): Promise<PublishedCollateral> {
  const issued = at.getTime() - DAY_MS
  const validity: Validity = { from: new Date(issued), until: new Date(issued + LIFETIME_MS) }
  const signed = (text: string): SignedText => ({
    text,
    signature: sign(pki.tcbSigning.key, utf8(text)),
  })
  return {
    rootCrl: await issueCrl(pki.root, validity),
    pckCrl: await issueCrl(pki.platformCa, validity),
    pckCrlIssuerChain: pki.platformCa.pem + pki.root.pem,
    tcbInfo: signed(tcbInfoText(pki.platform, validity, vintage)),
    qeIdentity: signed(qeIdentityText(validity, vintage)),
    evaluationNumbers: signed(evaluationNumbersText(validity, vintage)),
    signerChain: pki.tcbSigning.pem + pki.root.pem,
  }
}

/** Collateral in the JSON form of dcap-qvl bundles. */
export async function collateralJson(pki: SimulatedPki, at: Date): Promise<string> {
  const published = await publishCollateral(pki, at)
  const { tcbInfo, qeIdentity } = published
  return JSON.stringify({
    pck_crl_issuer_chain: published.pckCrlIssuerChain,
    root_ca_crl: toBareHex(published.rootCrl),
    pck_crl: toBareHex(published.pckCrl),
    tcb_info_issuer_chain: published.signerChain,
    tcb_info: tcbInfo.text,
    tcb_info_signature: toBareHex(tcbInfo.signature),
    qe_identity_issuer_chain: published.signerChain,
    qe_identity: qeIdentity.text,
    qe_identity_signature: toBareHex(qeIdentity.signature),
  })
}

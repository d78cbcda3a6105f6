import { createRequire } from 'node:module'

/** `@phala/dcap-qvl`, the verifier most of the field uses from JavaScript: a peer to measure against, nothing more. */
export interface PeerVerifier {
  verify(quote: Uint8Array, collateral: PeerCollateral, nowSeconds: number): unknown
}

/** Its form of the bundle: bytes where the exchanged form has hex. */
export type PeerCollateral = Readonly<Record<string, string | Uint8Array>>

interface PeerModule {
  readonly QuoteVerifier: new (rootCaDer: Buffer) => PeerVerifier
}

const BYTES = ['root_ca_crl', 'pck_crl', 'tcb_info_signature', 'qe_identity_signature']

/** The peer under a root, and a bundle in its form. */
export function peerFor(
  rootCertificateDer: Uint8Array,
  bundle: Readonly<Record<string, string>>,
): { readonly peer: PeerVerifier; readonly collateral: PeerCollateral } {
  const { QuoteVerifier } = createRequire(import.meta.url)('@phala/dcap-qvl') as PeerModule
  const collateral = Object.fromEntries(
    Object.entries(bundle).map(([member, text]) => [
      member,
      BYTES.includes(member) ? Buffer.from(text, 'hex') : text,
    ]),
  )
  return { peer: new QuoteVerifier(Buffer.from(rootCertificateDer)), collateral }
}

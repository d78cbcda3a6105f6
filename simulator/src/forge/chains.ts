import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import { pem } from '../pki/pem.ts'
import type { CertificateName, ForgedPki } from './pki.ts'

/** The PEM texts of quote and bundle. Each function writes one otherwise. */
export interface ChainChange {
  /** In the quote: leaf, intermediate, root and one NUL. */
  readonly pck?: (pki: ForgedPki) => Uint8Array
  readonly pckCrl?: (pki: ForgedPki) => string
  readonly tcbInfo?: (pki: ForgedPki) => string
  readonly qeIdentity?: (pki: ForgedPki) => string
}

/** PEM of these certificates, in this order. */
export function chainOf(pki: ForgedPki, ...names: readonly CertificateName[]): string {
  return names.map((name) => pem(pki[name].der)).join('')
}

/** The chains of a forgery. */
export function writeChains(change: ChainChange, pki: ForgedPki): WrittenChains {
  const ofSigner = (): string => chainOf(pki, 'signer', 'root')
  return {
    pck: (change.pck ?? usualPckChain)(pki),
    pckCrl: change.pckCrl?.(pki) ?? chainOf(pki, 'intermediate', 'root'),
    tcbInfo: change.tcbInfo?.(pki) ?? ofSigner(),
    qeIdentity: change.qeIdentity?.(pki) ?? ofSigner(),
  }
}

/** PEM texts as they go into quote and bundle. */
export interface WrittenChains {
  readonly pck: Uint8Array
  readonly pckCrl: string
  readonly tcbInfo: string
  readonly qeIdentity: string
}

function usualPckChain(pki: ForgedPki): Uint8Array {
  // Intel's quoting library ends the text with one NUL.
  return concatBytes(utf8(chainOf(pki, 'leaf', 'intermediate', 'root')), Uint8Array.of(0))
}

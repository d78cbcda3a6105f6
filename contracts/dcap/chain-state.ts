import type { Hex } from '../abi/index.ts'

/** A certificate that the chain knows, by its key; serial 0: none yet. Times in Unix seconds. */
export interface KnownAuthority {
  readonly serial: bigint
  readonly x: Hex
  readonly y: Hex
  readonly notBefore: bigint
  readonly notAfter: bigint
  readonly revoked: boolean
}

/** Something signed that the chain knows: when it was issued, and until when it counts. Zeros: nothing. */
export interface KnownIssue {
  readonly issued: bigint
  readonly until: bigint
  /** By a key that was revoked since. */
  readonly revoked: boolean
}

/** What the chain has for one platform, at one block. */
export interface ChainState {
  /** Of the block, Unix seconds. */
  readonly time: bigint
  readonly root: KnownAuthority
  readonly pckCa: KnownAuthority
  readonly tcbSigning: KnownAuthority
  readonly rootCrl: KnownIssue
  readonly pckCrl: KnownIssue
  /** Zero number: none. */
  readonly standard: { readonly number: number; readonly until: bigint }
  /** Of the number that was asked for. */
  readonly qeIdentity: KnownIssue
  readonly tcbInfo: KnownIssue
  /** Zero number: unknown. */
  readonly pck: { readonly number: bigint; readonly notAfter: bigint; readonly revoked: boolean }
  /** Whether the CA revoked the certificate that the quote carries. */
  readonly pckSerialRevoked: boolean
  /**
   * Whether the chain takes reports of the quote's attestation key without what proves it: `unknown` no, `cached` yes, and
   * `outdated` yes, but for more gas than if it were brought again, for the levels or the platform's SVNs are others now.
   */
  readonly attestationKey: 'unknown' | 'cached' | 'outdated'
}

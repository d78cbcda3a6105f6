/** A key released by the platform's KMS, with the chain that shows it (dstack `GetKey`). */
export interface PlatformKey {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Links of 65 bytes: app key over key, KMS root over app key. */
  readonly signatureChain: readonly [Uint8Array, Uint8Array]
}

/** A quote with what it must be read together with. */
export interface PlatformQuote {
  readonly quote: Uint8Array
  /** JSON text, as served. */
  readonly eventLog: string
  /** JSON text, as served. */
  readonly vmConfig: string
}

/** What the platform says of this TD. Unauthenticated: only what a quote covers may be shown to others. */
export interface PlatformInfo {
  /** 20 bytes. */
  readonly instanceId: Uint8Array
  /** The measured app-compose.json bytes. */
  readonly appCompose: Uint8Array
}

/** A fresh TLS key with the certificates that the platform gave it (dstack `GetTlsKey`); PEM. */
export interface PlatformTlsKey {
  readonly privateKey: string
  /** Leaf first. */
  readonly certificateChain: readonly string[]
}

/** The dstack guest agent of the TD this process runs in. */
export interface GuestAgent {
  getKey(path: string, purpose: string, algorithm: 'secp256k1' | 'ed25519'): Promise<PlatformKey>
  /** Quote over exactly these 64 bytes. */
  quote(reportData: Uint8Array): Promise<PlatformQuote>
  info(): Promise<PlatformInfo>
  /** Another key with every call, with an RA-TLS certificate for this name. */
  tlsKey(domain: string): Promise<PlatformTlsKey>
}

/** What went wrong with the guest agent. */
export type GuestAgentErrorCode =
  | 'GUEST_AGENT_UNAVAILABLE' // nobody listens on the socket: start it, or mount it into this container
  | 'GUEST_AGENT_TIMEOUT' // it listens and does not answer
  | 'GUEST_AGENT_ANSWER' // it refused, or answered something that is not what was asked

/** A failure of the guest agent. The text names method and field, never a value: it could be a key. */
export class GuestAgentError extends Error {
  override readonly name = 'GuestAgentError'
  readonly code: GuestAgentErrorCode

  constructor(code: GuestAgentErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

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

/** The dstack guest agent of the TD this process runs in. */
export interface GuestAgent {
  getKey(path: string, purpose: string, algorithm: 'secp256k1' | 'ed25519'): Promise<PlatformKey>
  /** Quote over exactly these 64 bytes. */
  quote(reportData: Uint8Array): Promise<PlatformQuote>
  info(): Promise<PlatformInfo>
}

/** The guest agent is absent, too slow, or answered something that is not what was asked. */
export class GuestAgentError extends Error {
  override readonly name = 'GuestAgentError'
  readonly code: 'GUEST_AGENT_UNAVAILABLE' | 'GUEST_AGENT_ANSWER'

  constructor(
    code: 'GUEST_AGENT_UNAVAILABLE' | 'GUEST_AGENT_ANSWER',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
  }
}

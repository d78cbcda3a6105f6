/** A TDX quote, as views into the bytes it was read from (Intel TDX DCAP Quoting Library API, appendix A). */
export interface Quote {
  readonly version: 4 | 5
  readonly header: QuoteHeader
  readonly body: TdReport
  /** Header, descriptor (version 5) and body: what the attestation key signs. */
  readonly signedBytes: Uint8Array
  readonly signature: QuoteSignature
}

/** Quote header, 48 bytes (A.3.1). */
export interface QuoteHeader {
  readonly attestationKeyType: number
  readonly teeType: number
  readonly qeVendorId: Uint8Array
  readonly userData: Uint8Array
}

/** TD report body of TDX 1.0, 584 bytes (A.3.2), or 1.5, 648 bytes (A.3.3). Registers are 48 bytes. */
export interface TdReport {
  /** 16 bytes, as of the TD's launch. */
  readonly teeTcbSvn: Uint8Array
  readonly mrSeam: Uint8Array
  readonly mrSignerSeam: Uint8Array
  readonly seamAttributes: Uint8Array
  readonly tdAttributes: Uint8Array
  readonly xfam: Uint8Array
  readonly mrTd: Uint8Array
  readonly mrConfigId: Uint8Array
  readonly mrOwner: Uint8Array
  readonly mrOwnerConfig: Uint8Array
  readonly rtmrs: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  readonly reportData: Uint8Array
  /** What TDX 1.5 adds. */
  readonly td15: Td15Fields | undefined
}

/** Fields of TDX 1.5 behind those of 1.0. */
export interface Td15Fields {
  /** 16 bytes, as of now: the module can be updated under a running TD. */
  readonly teeTcbSvn2: Uint8Array
  /** 48 bytes: the service TD bound to this one; zero where there is none. */
  readonly mrServiceTd: Uint8Array
}

/** Signature section: certification data type 6 around type 5 (A.3.7 to A.3.11). */
export interface QuoteSignature {
  /** r ‖ s over {@link Quote.signedBytes}. */
  readonly quoteSignature: Uint8Array
  /** x ‖ y, P-256. */
  readonly attestationKey: Uint8Array
  readonly qeReport: QeReport
  /** r ‖ s by the PCK leaf over the raw QE report. */
  readonly qeReportSignature: Uint8Array
  readonly qeAuthData: Uint8Array
  /** PEM text, leaf first. */
  readonly pckChainPem: Uint8Array
}

/** The quoting enclave's SGX report, 384 bytes. */
export interface QeReport {
  readonly raw: Uint8Array
  /** 4 bytes. */
  readonly miscSelect: Uint8Array
  /** 16 bytes. */
  readonly attributes: Uint8Array
  readonly mrSigner: Uint8Array
  readonly isvProdId: number
  readonly isvSvn: number
  readonly reportData: Uint8Array
}

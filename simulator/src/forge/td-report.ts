import { concatBytes } from '@jeju/verifier/protocol'

/** Every field of a TD report body (Intel TDX DCAP Quoting Library API, A.3.2). */
export interface TdReportBody {
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
  /** TDX 1.5: the SVN of now, and the service TD. */
  readonly teeTcbSvn2: Uint8Array
  readonly mrServiceTd: Uint8Array
}

/** Bytes of the body in the layout of TDX 1.0 (584) or 1.5 (648). */
export function encodeTdReportBody(body: TdReportBody, layout: '1.0' | '1.5'): Uint8Array {
  const td15 = layout === '1.5' ? [body.teeTcbSvn2, body.mrServiceTd] : []
  return concatBytes(
    body.teeTcbSvn,
    body.mrSeam,
    body.mrSignerSeam,
    body.seamAttributes,
    body.tdAttributes,
    body.xfam,
    body.mrTd,
    body.mrConfigId,
    body.mrOwner,
    body.mrOwnerConfig,
    ...body.rtmrs,
    body.reportData,
    ...td15,
  )
}

/** SVNs of 16 bytes: the given, then zeros. */
export function tcbSvn(...svns: readonly number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 16 }, (_, index) => svns[index] ?? 0)
}

/** A production TD of module TDX_01 at ISVSVN 5 that was launched under the module it runs on. */
export function usualTdReport(): TdReportBody {
  const register = (fill: number): Uint8Array => new Uint8Array(48).fill(fill)
  return {
    teeTcbSvn: tcbSvn(5, 1, 3),
    mrSeam: register(0x5e),
    mrSignerSeam: register(0),
    seamAttributes: new Uint8Array(8),
    tdAttributes: Uint8Array.of(0, 0, 0, 0x10, 0, 0, 0, 0), // SEPT_VE_DISABLE
    xfam: Uint8Array.of(0xe7, 0x02, 0x06, 0, 0, 0, 0, 0),
    mrTd: register(0x17),
    mrConfigId: register(0),
    mrOwner: register(0),
    mrOwnerConfig: register(0),
    rtmrs: [register(0xa0), register(0xa1), register(0xa2), register(0xa3)],
    reportData: new Uint8Array(64).fill(0xda),
    teeTcbSvn2: tcbSvn(5, 1, 3),
    mrServiceTd: register(0),
  }
}

import { toBareHex } from '../../bytes/hex.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import type { QeIdentity } from '../collateral/qe-identity.ts'
import type { TcbInfo, TdxModule } from '../collateral/tcb-info.ts'
import type { QeReport, TdReport } from '../quote.ts'
import type { PckPlatform } from '../sgx-extension.ts'
import { findModuleIdentity } from './evaluate-tcb.ts'

/** TCB info speaks of this family of platforms. @throws CheckFailure */
export function requireSamePlatform(platform: PckPlatform, tcbInfo: TcbInfo): void {
  if (platform.fmspc !== tcbInfo.fmspc) {
    const expected = `TCB info of FMSPC ${platform.fmspc}`
    throw new CheckFailure('COLLATERAL_FMSPC_MISMATCH', expected, tcbInfo.fmspc)
  }
  if (platform.pceId !== tcbInfo.pceId) {
    const expected = `TCB info of PCE-ID ${platform.pceId}`
    throw new CheckFailure('COLLATERAL_PCEID_MISMATCH', expected, tcbInfo.pceId)
  }
}

/**
 * The TDX module is one Intel signed, with the attributes its identity fixes: that of its major version at launch, or
 * `tdxModule` in the scheme of TDX 1.0.
 * @throws CheckFailure
 */
export function requireModule(report: TdReport, tcbInfo: TcbInfo): void {
  const { teeTcbSvn, mrSignerSeam, seamAttributes } = report
  const isTdx10 = (teeTcbSvn[1] ?? 0) === 0
  const expected: TdxModule = isTdx10 ? tcbInfo.tdxModule : findModuleIdentity(teeTcbSvn, tcbInfo)
  requireEqual('MRSIGNERSEAM', expected.mrSigner, toBareHex(mrSignerSeam))
  // No attribute is defined; Intel's library demands zeros whatever the mask says.
  requireEqual('SEAMATTRIBUTES', '00'.repeat(8), toBareHex(seamAttributes))
  const masked = mask(toBareHex(seamAttributes), expected.attributesMask)
  requireEqual('SEAMATTRIBUTES under the mask', expected.attributes, masked)
}

/** The quoting enclave is the one Intel describes. Identity values are compared unmasked. @throws CheckFailure */
export function requireQuotingEnclave(report: QeReport, identity: QeIdentity): void {
  const rules = [
    ['MRSIGNER', identity.mrSigner, toBareHex(report.mrSigner)],
    ['ISVPRODID', String(identity.isvProdId), String(report.isvProdId)],
    [
      'MISCSELECT',
      identity.miscSelect,
      mask(toBareHex(report.miscSelect), identity.miscSelectMask),
    ],
    [
      'ATTRIBUTES',
      identity.attributes,
      mask(toBareHex(report.attributes), identity.attributesMask),
    ],
  ] as const
  for (const [field, expected, actual] of rules) {
    if (expected !== actual) {
      throw new CheckFailure('QE_IDENTITY_MISMATCH', `QE ${field} ${expected}`, actual)
    }
  }
}

function requireEqual(field: string, expected: string, actual: string): void {
  if (expected !== actual) {
    throw new CheckFailure('TDX_MODULE_MISMATCH', `${field} ${expected}`, actual)
  }
}

/** Bitwise and of two hex texts of one length. */
function mask(value: string, bits: string): string {
  const and = BigInt(`0x${value}`) & BigInt(`0x${bits}`)
  return and.toString(16).padStart(value.length, '0')
}

import { canonicalJson, toBareHex, utf8, type JsonValue } from '@jeju/verifier/protocol'
import { issueCrl, type Identity, type Validity } from './certificate-authority.ts'
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

/** TEE_TCB_SVN of every simulated TD: module TDX_01 at ISVSVN 5. */
export const TEE_TCB_SVN: Uint8Array<ArrayBuffer> = Uint8Array.of(
  5,
  1,
  3,
  ...Array.from({ length: 13 }, () => 0),
)
/** The simulated quoting enclave; its signer is nobody's real one. */
export const QE_MR_SIGNER: Uint8Array<ArrayBuffer> = new Uint8Array(32).fill(0x44)
export const QE_ISV_PROD_ID = 2
export const QE_ISV_SVN = 4

const LIFETIME_MS = 30 * 24 * 3600 * 1000
const EVALUATION_NUMBER = 19
const TCB_DATE = '2025-05-14T00:00:00Z'

/** Collateral that fits the platform, valid from a day before `at`, in the JSON form of dcap-qvl bundles. */
export async function collateralJson(pki: SimulatedPki, at: Date): Promise<string> {
  const validity = {
    from: new Date(at.getTime() - 24 * 3600 * 1000),
    until: new Date(at.getTime() - 24 * 3600 * 1000 + LIFETIME_MS),
  }
  const tcbInfo = canonicalJson(tcbInfoOf(pki.platform, validity))
  const qeIdentity = canonicalJson(qeIdentityOf(validity))
  const signerChain = pki.tcbSigning.pem + pki.root.pem
  return JSON.stringify({
    pck_crl_issuer_chain: pki.platformCa.pem + pki.root.pem,
    root_ca_crl: toBareHex(await issueCrl(pki.root, validity)),
    pck_crl: toBareHex(await issueCrl(pki.platformCa, validity)),
    tcb_info_issuer_chain: signerChain,
    tcb_info: tcbInfo,
    tcb_info_signature: toBareHex(sign(pki.tcbSigning.key, utf8(tcbInfo))),
    qe_identity_issuer_chain: signerChain,
    qe_identity: qeIdentity,
    qe_identity_signature: toBareHex(sign(pki.tcbSigning.key, utf8(qeIdentity))),
  })
}

function dates({ from, until }: Validity): { issueDate: string; nextUpdate: string } {
  const seconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`
  return { issueDate: seconds(from), nextUpdate: seconds(until) }
}

/** TCB info version 3 for TDX with one level that the platform reaches. */
function tcbInfoOf(platform: SgxPlatform, validity: Validity): JsonValue {
  const components = (bytes: Uint8Array): JsonValue => Array.from(bytes, (svn) => ({ svn }))
  const zeros = '0'.repeat(96)
  const upToDate = { tcbDate: TCB_DATE, tcbStatus: 'UpToDate' }
  return {
    id: 'TDX',
    version: 3,
    ...dates(validity),
    fmspc: toBareHex(platform.fmspc),
    pceId: toBareHex(platform.pceId),
    tcbType: 0,
    tcbEvaluationDataNumber: EVALUATION_NUMBER,
    tdxModule: { mrsigner: zeros, attributes: '0'.repeat(16), attributesMask: 'f'.repeat(16) },
    tdxModuleIdentities: [
      {
        id: 'TDX_01',
        mrsigner: zeros,
        attributes: '0'.repeat(16),
        attributesMask: 'f'.repeat(16),
        tcbLevels: [{ tcb: { isvsvn: TEE_TCB_SVN[0] ?? 0 }, ...upToDate }],
      },
    ],
    tcbLevels: [
      {
        tcb: {
          sgxtcbcomponents: components(platform.components),
          pcesvn: platform.pceSvn,
          tdxtcbcomponents: components(TEE_TCB_SVN),
        },
        ...upToDate,
      },
    ],
  }
}

/** TD QE identity version 2 of the simulated quoting enclave. */
function qeIdentityOf(validity: Validity): JsonValue {
  return {
    id: 'TD_QE',
    version: 2,
    ...dates(validity),
    tcbEvaluationDataNumber: EVALUATION_NUMBER,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: '11000000000000000000000000000000',
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: toBareHex(QE_MR_SIGNER).toUpperCase(),
    isvprodid: QE_ISV_PROD_ID,
    tcbLevels: [{ tcb: { isvsvn: QE_ISV_SVN }, tcbDate: TCB_DATE, tcbStatus: 'UpToDate' }],
  }
}

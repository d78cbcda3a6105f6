import { toBareHex, utf8 } from '@jeju/verifier/protocol'
import { publishCollateral, type SignedText, type SimulatedPki } from '../pki/collateral.ts'
import type { Vintage } from '../pki/collateral-documents.ts'

/** One answer of the service. */
export interface PcsAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** A vintage whose number is known. */
export type NumberedVintage = Vintage & { readonly tcbEvaluationDataNumber: number }

const BAD_REQUEST: PcsAnswer = { status: 400 }
const NOT_FOUND: PcsAnswer = { status: 404 }

/** What Intel's service answers to that address (Intel PCS API v4) at that time. */
export async function answerPcs(
  pki: SimulatedPki,
  { pathname, searchParams: query }: URL,
  at: Date,
  current: NumberedVintage,
): Promise<PcsAnswer> {
  switch (pathname) {
    case '/tdx/certification/v4/tcb': {
      const fmspc = query.get('fmspc')
      if (fmspc === null || !/^[0-9a-fA-F]{12}$/.test(fmspc)) return BAD_REQUEST
      if (fmspc.toLowerCase() !== toBareHex(pki.platform.fmspc)) return NOT_FOUND
      const vintage = vintageFor(query, current)
      if (vintage === undefined) return NOT_FOUND
      const { tcbInfo, signerChain } = await publishCollateral(pki, at, vintage)
      return document('tcbInfo', tcbInfo, 'TCB-Info-Issuer-Chain', signerChain)
    }
    case '/tdx/certification/v4/qe/identity': {
      const vintage = vintageFor(query, current)
      if (vintage === undefined) return NOT_FOUND
      const { qeIdentity, signerChain } = await publishCollateral(pki, at, vintage)
      const header = 'SGX-Enclave-Identity-Issuer-Chain'
      return document('enclaveIdentity', qeIdentity, header, signerChain)
    }
    case '/tdx/certification/v4/tcbevaluationdatanumbers': {
      const { evaluationNumbers, signerChain } = await publishCollateral(pki, at, current)
      const header = 'TCB-Evaluation-Data-Numbers-Issuer-Chain'
      return document('tcbEvaluationDataNumbers', evaluationNumbers, header, signerChain)
    }
    case '/sgx/certification/v4/pckcrl': {
      const ca = query.get('ca')
      if (ca !== 'platform' && ca !== 'processor') return BAD_REQUEST
      if (ca === 'processor') return NOT_FOUND // there is no such CA here
      const { pckCrl, pckCrlIssuerChain } = await publishCollateral(pki, at)
      const headers = { 'SGX-PCK-CRL-Issuer-Chain': encodeURIComponent(pckCrlIssuerChain) }
      return query.get('encoding') === 'der'
        ? answer('application/pkix-crl', pckCrl, headers)
        : answer('application/x-pem-file', crlPem(pckCrl), headers)
    }
    // Of a PCCS.
    case '/sgx/certification/v4/rootcacrl':
      return answer('text/plain', utf8(toBareHex((await publishCollateral(pki, at)).rootCrl)))
    // Of Intel's other host.
    case '/IntelSGXRootCA.der':
      return answer('application/pkix-crl', (await publishCollateral(pki, at)).rootCrl)
    default:
      return NOT_FOUND
  }
}

/** The issue that is asked for; a number not published yet is none. */
function vintageFor(query: URLSearchParams, current: NumberedVintage): Vintage | undefined {
  const text = query.get('tcbEvaluationDataNumber')
  if (text === null) return current
  const asked = Number(text)
  if (!Number.isInteger(asked) || asked < 1 || asked > current.tcbEvaluationDataNumber) {
    return undefined
  }
  return { ...current, tcbEvaluationDataNumber: asked }
}

/** The signed text stands in the body as it was signed. */
function document(member: string, signed: SignedText, header: string, chain: string): PcsAnswer {
  const body = `{"${member}":${signed.text},"signature":"${toBareHex(signed.signature)}"}`
  return answer('application/json', utf8(body), { [header]: encodeURIComponent(chain) })
}

function answer(
  type: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): PcsAnswer {
  return { status: 200, headers: { 'Content-Type': type, ...headers }, body }
}

function crlPem(der: Uint8Array): Uint8Array {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return utf8(`-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`)
}

import { issue } from './certificate-authority.ts'
import type { SimulatedPki } from './collateral.ts'
import type { RandomSource } from './random-source.ts'
import { SGX_EXTENSION_OID, sgxExtension, type SgxPlatform } from './sgx-extension.ts'

const DAY_MS = 24 * 3600 * 1000
const YEAR_MS = 365 * DAY_MS

/** Paths as Intel's; a host that no resolver knows (RFC 2606). */
const CRL_HOST = 'https://jeju-compute-simulator.invalid'
const ROOT_CRL_URL = `${CRL_HOST}/IntelSGXRootCA.der`
const PCK_CRL_URL = `${CRL_HOST}/sgx/certification/v4/pckcrl?ca=platform&encoding=der`

/** A PKI in the form of Intel's, valid around `at`: same common names and constraints, another organisation. */
export async function createPki(at: Date, random: RandomSource): Promise<SimulatedPki> {
  const validity = {
    from: new Date(at.getTime() - 30 * DAY_MS),
    until: new Date(at.getTime() + 7 * YEAR_MS),
  }
  const common = { validity, random }
  const platform = simulatedPlatform()
  const root = await issue({
    ...common,
    commonName: 'Intel SGX Root CA',
    role: { ca: 1 },
    crlUrl: ROOT_CRL_URL,
  })
  const platformCa = await issue({
    ...common,
    commonName: 'Intel SGX PCK Platform CA',
    role: { ca: 0 },
    issuer: root,
    crlUrl: ROOT_CRL_URL,
  })
  const pckLeaf = await issue({
    ...common,
    commonName: 'Intel SGX PCK Certificate',
    role: 'leaf',
    issuer: platformCa,
    crlUrl: PCK_CRL_URL,
    extensions: [{ oid: SGX_EXTENSION_OID, der: sgxExtension(platform) }],
  })
  const tcbSigning = await issue({
    ...common,
    commonName: 'Intel SGX TCB Signing',
    role: 'leaf',
    issuer: root,
    crlUrl: ROOT_CRL_URL,
  })
  return { root, platformCa, pckLeaf, tcbSigning, platform }
}

function simulatedPlatform(): SgxPlatform {
  return {
    ppid: new Uint8Array(16),
    components: new Uint8Array(16).fill(3),
    pceSvn: 13,
    pceId: new Uint8Array(2),
    fmspc: new Uint8Array(6), // family-model-stepping zero: no real platform
    platformInstanceId: new Uint8Array(16),
  }
}

import { issue } from './certificate-authority.ts'
import type { SimulatedPki } from './collateral.ts'
import { SGX_EXTENSION_OID, sgxExtension } from './sgx-extension.ts'

const DAY_MS = 24 * 3600 * 1000
const YEAR_MS = 365 * DAY_MS

/** A fresh PKI in the form of Intel's, valid around `at`: same common names and constraints, another organisation. */
export async function createPki(at: Date): Promise<SimulatedPki> {
  const validity = {
    from: new Date(at.getTime() - 30 * DAY_MS),
    until: new Date(at.getTime() + 7 * YEAR_MS),
  }
  const platform = {
    ppid: new Uint8Array(16),
    components: new Uint8Array(16).fill(3),
    pceSvn: 13,
    pceId: new Uint8Array(2),
    fmspc: new Uint8Array(6), // family-model-stepping zero: no real platform
  }
  const root = await issue({ commonName: 'Intel SGX Root CA', validity, role: { ca: 1 } })
  const platformCa = await issue({
    commonName: 'Intel SGX PCK Platform CA',
    validity,
    role: { ca: 0 },
    issuer: root,
  })
  const pckLeaf = await issue({
    commonName: 'Intel SGX PCK Certificate',
    validity,
    role: 'leaf',
    issuer: platformCa,
    extensions: [{ oid: SGX_EXTENSION_OID, der: sgxExtension(platform) }],
  })
  const tcbSigning = await issue({
    commonName: 'Intel SGX TCB Signing',
    validity,
    role: 'leaf',
    issuer: root,
  })
  return { root, platformCa, pckLeaf, tcbSigning, platform }
}

import type { JSONWebKeySet } from 'jose'
import { toBareHex } from '../../bytes/hex.ts'
import { VerifierError } from '../../errors.ts'
import type { GpuDeviceEvidence } from '../../protocol/gpu-evidence.ts'
import { bundledDevices } from '../bundled-devices.ts'
import type { GpuTrustAnchor } from '../gpu-trust-anchor.ts'
import type { NrasSource } from '../gpu-trust.ts'
import type { NrasAppraiser } from './appraise-by-nras.ts'
import { nrasAppraiser } from './nras-appraiser.ts'
import { NRAS_ISSUER } from './nras-issuer.ts'
import { nvidiaNras, simulatedNras } from './nras-service.ts'

/** Who asks the service: `createNrasClient` of `@jeju/verifier/collateral`. */
export interface NrasAnswerSource {
  /** Address that answers and keys come from, without a slash behind it. */
  readonly url: string
  /** Exact answers about these devices, which answered that nonce (64 hex digits); none where one could not be had. */
  answersFor(devices: readonly GpuDeviceEvidence[], nonce: string): Promise<readonly string[]>
  /** The key set that holds the keys of these answers, if any does; undefined where it could not be had. */
  jwks(answers: readonly string[]): Promise<JSONWebKeySet | undefined>
}

/** SPDM 1.1 GET_MEASUREMENTS: four bytes, then the nonce the requester chose. */
const NONCE_AT = 4
const NONCE_BYTES = 32

/**
 * The word of NVIDIA's attestation service about what a node showed, asked by the relying party. Its keys count because
 * they came from its address: NVIDIA's own under NVIDIA's root. Under a simulated root the issuer is the address asked.
 * @throws VerifierError `TRUST_ANCHOR_INVALID` where address and root do not belong together
 */
export function nrasSource(client: NrasAnswerSource, anchor: GpuTrustAnchor): NrasSource {
  const isNvidia = client.url === NRAS_ISSUER
  if (isNvidia !== (anchor.tier === 'nvidia')) {
    const text = `NRAS: expected an address of the roots' tier ${anchor.tier}, got ${client.url}`
    throw new VerifierError('TRUST_ANCHOR_INVALID', text)
  }
  const appraiserBy = (jwks: JSONWebKeySet): NrasAppraiser =>
    nrasAppraiser(
      anchor.tier === 'nvidia'
        ? nvidiaNras(jwks)
        : simulatedNras(anchor.name, { issuer: client.url, jwks }),
    )
  return {
    appraisalOf: async (evidence) => {
      const devices = bundledDevices(evidence)
      const nonce = nonceOf(devices)
      if (nonce === undefined) return { answers: [] }
      const answers = await client.answersFor(devices, nonce)
      if (answers.length === 0) return { answers }
      const jwks = await client.jwks(answers)
      return jwks === undefined ? { answers: [] } : { answers, appraiser: appraiserBy(jwks) }
    },
  }
}

/** What the devices say they were asked. That it is the right one is checked afterwards, in reports and tokens. */
function nonceOf([first]: readonly GpuDeviceEvidence[]): string | undefined {
  const nonce = first?.report.slice(NONCE_AT, NONCE_AT + NONCE_BYTES)
  return nonce?.length === NONCE_BYTES ? toBareHex(nonce) : undefined
}

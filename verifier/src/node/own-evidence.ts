import { sha256 } from '../bytes/hash.ts'
import { toHex, type Hex } from '../bytes/hex.ts'
import { appRootClaim, keyClaim, recoverLink } from '../dstack/key-chain.ts'
import { checkEventLog } from '../dstack/check-event-log.ts'
import { keyProviderOf } from '../dstack/key-provider.ts'
import { singlePayload } from '../dstack/platform-events.ts'
import type { KeyCustodyPolicy } from '../dstack/check-key-custody.ts'
import type { AppraisalPolicy } from '../policy/policy.ts'
import type { ContractDomain } from '../protocol/eip712.ts'
import { decodeEvidence, type EvidenceBundle } from '../protocol/evidence-bundle.ts'
import type { Freshness } from '../protocol/report-data.ts'
import type { EvidenceCheckName } from '../report/report.ts'
import type { ExpectedIdentity } from '../statement/check-statement.ts'
import { readPckChainUnverified } from '../tdx/check-pck-chain.ts'
import { INTEL_ROOT_SHA256 } from '../tdx/intel-root.ts'
import { parseQuote } from '../tdx/parse-quote.ts'
import type { Quote } from '../tdx/quote.ts'
import { DEFAULT_TCB_POLICY } from '../tdx/quote-policy.ts'
import { intelTrustAnchor, simulatedTrustAnchor } from '../tdx/trust-anchor.ts'
import { verifyEvidence } from '../verify-evidence.ts'

/** What a node knows of itself that its evidence has to say. */
export interface OwnEvidenceContext {
  readonly at: Date
  readonly registry: ContractDomain
  readonly freshness: Freshness
  readonly expected: ExpectedIdentity
  /** SHA-256 of the root that quotes have to end in, where it is known. */
  readonly rootSha256?: Hex | undefined
}

/** What a relying party would refuse. */
export interface OwnObjection {
  readonly check: EvidenceCheckName
  readonly text: string
}

/** Collateral is the relying party's to fetch, and devices have judges of their own. */
const NOT_OURS: readonly EvidenceCheckName[] = [
  'pck-revocation',
  'tcb-info',
  'qe-identity',
  'tdx-module',
  'tcb-status',
  'tcb-allowed',
  'gpu-evidence',
]

/**
 * What every relying party would object to in a node's own evidence, whatever it trusts: `verifyEvidence` under a policy
 * that takes exactly this machine, its compose file, its KMS and its root. What is left are faults of the evidence itself.
 * An empty list says nothing of whether anybody trusts them.
 * @throws VerifierError, ProtocolError on what is no evidence
 */
export async function judgeOwnEvidence(
  evidence: Uint8Array,
  { rootSha256, ...context }: OwnEvidenceContext,
): Promise<readonly OwnObjection[]> {
  const bundle = decodeEvidence(evidence)
  const quote = parseQuote(bundle.quote)
  const { rootDer: root } = readPckChainUnverified(quote.signature.pckChainPem)
  const actualRoot = toHex(sha256(root))
  if (rootSha256 !== undefined && rootSha256 !== actualRoot) {
    const text = `expected a chain to the root ${rootSha256}, actual ${actualRoot}`
    return [{ check: 'pck-chain', text }]
  }
  const isIntels = actualRoot === INTEL_ROOT_SHA256
  const { checks } = await verifyEvidence(evidence, {
    ...context,
    trustAnchor: isIntels ? intelTrustAnchor() : simulatedTrustAnchor('own', root),
    collateral: undefined,
    policy: policyOfItself(bundle, quote),
  })
  return checks.flatMap((check) => {
    const { name } = check
    if (check.status === 'passed' || NOT_OURS.includes(name)) return []
    const text =
      check.status === 'skipped'
        ? check.because
        : `expected ${check.expected}, actual ${check.actual}`
    return [{ check: name, text }]
  })
}

function policyOfItself(bundle: EvidenceBundle, { body }: Quote): AppraisalPolicy {
  const [rtmr0, rtmr1, rtmr2] = body.rtmrs
  const image = {
    mrtd: toHex(body.mrTd),
    rtmr0: toHex(rtmr0),
    rtmr1: toHex(rtmr1),
    rtmr2: toHex(rtmr2),
  }
  return {
    v: 1,
    acpi: { reviewed: [], unreviewed: 'accepted' },
    composeHashes: [toHex(sha256(bundle.appCompose))],
    composeTemplates: [],
    gpu: 'forbidden',
    keyCustody: custodyOfItself(bundle, body.rtmrs[3]),
    osImageHashes: [],
    osImages: [image],
    tcb: DEFAULT_TCB_POLICY,
    tiers: ['tdx', 'simulated'],
  }
}

/** The KMS that this chain ends in and this guest measured; nobody where it has none, which the check then says. */
function custodyOfItself(bundle: EvidenceBundle, rtmr3: Uint8Array): KeyCustodyPolicy {
  const { kmsChain, eventLog } = bundle
  const keyApis = [kmsChain.keyApi]
  const { platform = [] } = checkEventLog(eventLog, rtmr3)
  const appId = singlePayload(platform, 'app-id')
  const provider = keyProviderOf(platform)
  const [link0, link1] = kmsChain.signatures
  const appRoot = recoverLink(keyClaim(kmsChain), link0)
  if (appId === undefined || provider === undefined || 'fault' in appRoot) {
    return { trustedKms: [], keyApis }
  }
  const kmsRoot = recoverLink(appRootClaim(appId, appRoot.publicKey), link1)
  if ('fault' in kmsRoot) return { trustedKms: [], keyApis }
  const kms = { rootPublicKey: toHex(kmsRoot.publicKey), caPublicKeyInfo: toHex(provider.id) }
  return { trustedKms: [kms], keyApis }
}

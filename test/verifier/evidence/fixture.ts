import { randomBytes } from 'node:crypto'
import {
  createSimulatedPlatform,
  launchTd,
  strippedLog,
  type LaunchOptions,
  type PlatformOptions,
  type SimulatedPlatform,
  type SimulatedTd,
} from '@jeju/simulator'
import {
  parseCollateral,
  simulatedTrustAnchor,
  type QuoteCollateral,
  type VerificationContext,
} from '@jeju/verifier'
import {
  addressOf,
  bindingIdOf,
  canonicalJson,
  concatBytes,
  documentDigest,
  encodeEvidence,
  reportData,
  toHex,
  utf8,
  ZERO_DIGEST,
  type ContractDomain,
  type EvidenceBundle,
  type Freshness,
  type Hex,
  type NodeStatement,
} from '@jeju/verifier/protocol'
import { kmsChainOf, policyOf, signerKeyOf } from '../../simulated-trust.ts'
import { keysetText } from '../protocol/samples.ts'

/** A node on a simulated machine, reduced to what evidence is made of. */

/** 390 days before the sample keyset ends. */
export const AT: Date = new Date('2029-02-20T00:00:00Z')
export const registry: ContractDomain = {
  chainId: 31337n,
  verifyingContract: `0x${'c0'.repeat(20)}`,
}
export const operator: Hex = `0x${'0a'.repeat(20)}`
export const appCompose: Uint8Array<ArrayBuffer> = utf8(
  '{"docker_compose_file":"services: {}","name":"node"}',
)
export const nonce: Hex = toHex(randomBytes(32))
export const challenge: Freshness = { kind: 'challenge', nonce }

const catalog = canonicalJson({
  models: [
    {
      adapters: [],
      chat_template_sha256: `0x${'11'.repeat(32)}`,
      context_tokens: 1024,
      engine: 'engine@1',
      id: 'model',
      quantization: 'Q8_0',
      state: 'measured',
      weights_sha256: `0x${'22'.repeat(32)}`,
    },
  ],
  v: 1,
})
const posture = canonicalJson({
  content_logging: 'none',
  egress: [],
  request_confidentiality: 'plaintext',
  tools: 'none',
  v: 1,
})

/** What a relying party fetched for each platform. */
const collaterals = new WeakMap<SimulatedPlatform, QuoteCollateral>()

/** A platform and a TD on it, with the lies asked for. */
export async function machine(
  options: Partial<LaunchOptions> = {},
  lies: PlatformOptions['lies'] = {},
): Promise<{ readonly platform: SimulatedPlatform; readonly td: SimulatedTd }> {
  const platform = await createSimulatedPlatform({ at: AT, lies })
  collaterals.set(platform, parseCollateral(await platform.collateralJson(AT)))
  return { platform, td: launchTd(platform, { appCompose, ...options }) }
}

export function statementOf(td: SimulatedTd): NodeStatement {
  return {
    agentId: 0n,
    operator,
    signer: addressOf(signerKeyOf(td)),
    keysetDigest: documentDigest(keysetText),
    modelCatalogDigest: documentDigest(catalog),
    postureDigest: documentDigest(posture),
    gpuDevicesDigest: ZERO_DIGEST,
    instanceId: toHex(concatBytes(new Uint8Array(12), td.instanceId)),
  }
}

/** What a test changes of an honest bundle: before the quote is made (`quoted`), or after. */
export interface Changes {
  readonly statement?: Partial<NodeStatement>
  readonly freshness?: Freshness
  /** Report data as a whole, for layouts that are not ours. */
  readonly reportData?: Uint8Array
  readonly bundle?: Partial<EvidenceBundle>
}

/** Encoded evidence of a TD. */
export async function evidenceOf(td: SimulatedTd, changes: Changes = {}): Promise<Uint8Array> {
  const statement = { ...statementOf(td), ...changes.statement }
  const data =
    changes.reportData ??
    reportData(bindingIdOf(statement, registry), changes.freshness ?? challenge, ZERO_DIGEST)
  return encodeEvidence({
    statement,
    quote: await td.quote(data),
    eventLog: JSON.stringify(strippedLog(td.events())),
    appCompose,
    vmConfig: td.vmConfig,
    kmsChain: kmsChainOf(td),
    keyset: keysetText,
    catalog,
    posture,
    ...changes.bundle,
  })
}

/** A context in which an honest TD of this platform is verified. */
export function contextFor(
  platform: SimulatedPlatform,
  td: SimulatedTd,
  changes: Partial<VerificationContext> = {},
): VerificationContext {
  return {
    at: AT,
    trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
    collateral: collaterals.get(platform),
    policy: policyOf(td),
    registry,
    freshness: challenge,
    expected: { agentId: 0n, operator },
    ...changes,
  }
}

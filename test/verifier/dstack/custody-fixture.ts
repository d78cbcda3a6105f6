import { launchTd, strippedLog, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import { parseQuote } from '@jeju/verifier'
import { addressOf, toBareHex, toHex, utf8, type Hex, type KmsChain } from '@jeju/verifier/protocol'
import { SIGNER_PURPOSE, signerPath } from '../../../verifier/src/protocol/signer-path.ts'
import { deriveV0, deriveV1, type AppKeys } from '../../../simulator/src/td/key-derivation.ts'
import { checkEventLog } from '../../../verifier/src/dstack/check-event-log.ts'
import {
  checkKeyCustody,
  type KeyCustodyEvidence,
  type KeyCustodyPolicy,
} from '../../../verifier/src/dstack/check-key-custody.ts'
import type { RuntimeEvent } from '../../../verifier/src/dstack/runtime-events.ts'
import { machine } from '../evidence/fixture.ts'

/** A TD whose log was replayed, its KMS, and another KMS that nobody trusts. */
export interface Custody {
  readonly platform: SimulatedPlatform
  readonly foreign: SimulatedPlatform
  readonly td: SimulatedTd
  /** Another replica of the same app. */
  readonly sibling: SimulatedTd
  readonly events: readonly RuntimeEvent[]
  readonly policy: KeyCustodyPolicy
}

export async function custody(): Promise<Custody> {
  const { platform, td } = await machine()
  const { platform: foreign } = await machine()
  const { rtmrs } = parseQuote(await td.quote(new Uint8Array(64))).body
  const log = checkEventLog(JSON.stringify(strippedLog(td.events())), rtmrs[3])
  if (log.platform === undefined) throw new Error('not replayed')
  const sibling = launchTd(platform, { appCompose: td.appCompose })
  return { platform, foreign, td, sibling, events: log.platform, policy: policyOf(platform) }
}

/** Trust in the KMS of this platform alone. */
export function policyOf({ kms }: SimulatedPlatform): KeyCustodyPolicy {
  return {
    trustedKms: [
      { rootPublicKey: toHex(kms.rootPublicKey), caPublicKeyInfo: toHex(kms.caPublicKeyInfo) },
    ],
    keyApis: ['v0', 'v1'],
  }
}

/** What a test changes of honest evidence; `keys` are those of another KMS or app. */
export interface CustodyChanges {
  readonly chain?: Partial<KmsChain>
  readonly signer?: Hex
  readonly platform?: readonly RuntimeEvent[] | undefined
  readonly keys?: AppKeys
}

/** Custody of the signer of a TD, as its node derives it. */
export function evidenceOf(
  { td, events }: Custody,
  keyApi: KmsChain['keyApi'],
  changes: CustodyChanges = {},
): KeyCustodyEvidence {
  const keys = changes.keys ?? td.keys
  const path = signerPath(td.instanceId)
  const purpose = keyApi === 'v0' ? SIGNER_PURPOSE : ''
  const { key, publicKey, signatureChain } =
    keyApi === 'v0' ? deriveV0(keys, path, purpose, 'secp256k1') : deriveV1(keys, path, 'secp256k1')
  const chain = { algorithm: 'secp256k1', keyApi, path, purpose, publicKey }
  return {
    chain: { ...chain, signatures: signatureChain, ...changes.chain },
    signer: changes.signer ?? addressOf(key),
    platform: 'platform' in changes ? changes.platform : events,
  }
}

/** What was wrong, or the status. */
export function custodyOutcome(given: KeyCustodyEvidence, policy: KeyCustodyPolicy): string {
  const check = checkKeyCustody(given, policy)
  if (check.status === 'failed') return `expected ${check.expected}, got ${check.actual}`
  return check.status === 'skipped' ? `skipped: ${check.because}` : 'passed'
}

/** A runtime event. */
export function event(name: string, payload: Uint8Array): RuntimeEvent {
  return { name, payload, version: 1 }
}

/** A `key-provider` event. */
export function provider(name: string, id: Uint8Array): RuntimeEvent {
  return event('key-provider', utf8(JSON.stringify({ name, id: toBareHex(id) })))
}

/** The events with others in place of those of that name. */
export function replaced(
  events: readonly RuntimeEvent[],
  name: string,
  ...others: readonly RuntimeEvent[]
): readonly RuntimeEvent[] {
  return events.flatMap((old) => (old.name === name ? others : [old]))
}

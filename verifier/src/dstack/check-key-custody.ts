import { toHex, type Hex } from '../bytes/hex.ts'
import type { KmsChain } from '../protocol/evidence-bundle.ts'
import { SIGNER_PURPOSE, signerPath } from '../protocol/signer-path.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import { addressOfCompressed, appRootClaim, keyClaim, recoverLink } from './key-chain.ts'
import { keyProviderOf } from './key-provider.ts'
import { singlePayload } from './platform-events.ts'
import { quoted } from './quoted.ts'
import type { RuntimeEvent } from './runtime-events.ts'

/** A KMS that the relying party trusts with keys. Never taken from evidence, nor from an address it names. */
export interface TrustedKms {
  /** Compressed secp256k1 point, 33 bytes: signs what it releases (`DstackKms.kmsInfo().k256Pubkey`). */
  readonly rootPublicKey: Hex
  /** DER SubjectPublicKeyInfo of its P-256 CA: what its guests measure (`DstackKms.kmsInfo().caPubkey`). */
  readonly caPublicKeyInfo: Hex
}

/** What a relying party accepts of key custody. An empty list accepts nothing. */
export interface KeyCustodyPolicy {
  readonly trustedKms: readonly TrustedKms[]
  /** Accepted key surfaces: they give different keys for one name (attack C18). */
  readonly keyApis: readonly KmsChain['keyApi'][]
}

/** What evidence says of the custody of its signer's key. */
export interface KeyCustodyEvidence {
  readonly chain: KmsChain
  /** The statement's signer, which the quote binds. */
  readonly signer: Hex
  /** Platform events of the replayed log; undefined where it was not replayed. */
  readonly platform: readonly RuntimeEvent[] | undefined
}

const NAME = 'key-custody'

type Result = Check<'key-custody'>

/**
 * `key-custody`: a KMS that the policy names gave the signer's key to this app. A genuine TD pointed at a KMS of its
 * host uses keys the host knows (attack A13), so the KMS that the guest measured and the one that signed the chain
 * must be the same trusted one. The chain alone says nothing of freshness or code: the quote does.
 */
export function checkKeyCustody(
  { chain, signer, platform }: KeyCustodyEvidence,
  policy: KeyCustodyPolicy,
): Result {
  if (platform === undefined) return skipped(NAME, 'the event log was not replayed')
  const appId = singlePayload(platform, 'app-id')
  if (appId?.length !== 20) return failed(NAME, 'one app-id event of 20 bytes', 'none')
  const instanceId = singlePayload(platform, 'instance-id')
  if (instanceId?.length !== 20) return failed(NAME, 'one instance-id event of 20 bytes', 'none')
  return (
    checkKey(chain, signer, instanceId, policy) ??
    checkIssuer(chain, appId, trustedBy(platform, policy))
  )
}

/**
 * Whether a trusted KMS released the chain's key to the app of the replayed log, under the chain's purpose. What the
 * key is used for is the caller's to ask.
 */
export function checkRelease(
  chain: KmsChain,
  platform: readonly RuntimeEvent[],
  policy: KeyCustodyPolicy,
): Result {
  const appId = singlePayload(platform, 'app-id')
  if (appId?.length !== 20) return failed(NAME, 'one app-id event of 20 bytes', 'none')
  if (!policy.keyApis.includes(chain.keyApi)) {
    return failed(NAME, `a key surface of: ${policy.keyApis.join(', ') || 'none'}`, chain.keyApi)
  }
  return checkIssuer(chain, appId, trustedBy(platform, policy))
}

/** What is wrong with the key that the chain is for. */
function checkKey(
  { algorithm, keyApi, path, purpose, publicKey }: KmsChain,
  signer: Hex,
  instanceId: Uint8Array,
  { keyApis }: KeyCustodyPolicy,
): Result | undefined {
  // v0: the purpose is signed, the path is only said. v1: the domain is signed, and there is no purpose.
  const expectedPurpose = keyApi === 'v0' ? SIGNER_PURPOSE : ''
  const facts: readonly (readonly [string, string, string])[] = [
    ['algorithm', 'secp256k1', algorithm],
    ['purpose', expectedPurpose, purpose],
    ['path', signerPath(instanceId), path],
    ['signer', signer, addressOfCompressed(publicKey) ?? `no point: ${toHex(publicKey)}`],
  ]
  if (!keyApis.includes(keyApi)) {
    return failed(NAME, `a key surface of: ${keyApis.join(', ') || 'none'}`, keyApi)
  }
  const wrong = facts.find(([, expected, actual]) => expected !== actual)
  if (wrong === undefined) return undefined
  const [what, expected, actual] = wrong
  return failed(NAME, `${what} ${quoted(expected)}`, quoted(actual))
}

/** The trusted KMSs whose CA the guest measured, or what it measured instead. */
export function trustedBy(
  platform: readonly RuntimeEvent[],
  { trustedKms }: KeyCustodyPolicy,
): readonly TrustedKms[] | Result {
  const provider = keyProviderOf(platform)
  if (provider === undefined) return failed(NAME, 'one key-provider event', 'none')
  if (provider.name !== 'kms') {
    return failed(NAME, 'key provider kms', quoted(provider.name))
  }
  const measured = toHex(provider.id)
  const trusted = trustedKms.filter(({ caPublicKeyInfo }) => caPublicKeyInfo === measured)
  return trusted.length > 0
    ? trusted
    : failed(NAME, `key provider ${list(trustedKms.map((kms) => kms.caPublicKeyInfo))}`, measured)
}

/** Link 0 names the app's root key, link 1 the KMS that issued it to this app. */
function checkIssuer(
  chain: KmsChain,
  appId: Uint8Array,
  trusted: readonly TrustedKms[] | Result,
): Result {
  if ('status' in trusted) return trusted
  const [link0, link1] = chain.signatures
  const appRoot = recoverLink(keyClaim(chain), link0)
  if ('fault' in appRoot) return failed(NAME, 'a signature of the app root key', appRoot.fault)
  const kmsRoot = recoverLink(appRootClaim(appId, appRoot.publicKey), link1)
  if ('fault' in kmsRoot) return failed(NAME, 'a signature of the KMS root key', kmsRoot.fault)
  const actual = toHex(kmsRoot.publicKey)
  const issuer = trusted.find(({ rootPublicKey }) => rootPublicKey === actual)
  if (issuer === undefined) {
    return failed(NAME, `KMS root ${list(trusted.map((kms) => kms.rootPublicKey))}`, actual)
  }
  return passed(NAME, {
    kmsRoot: actual,
    keyProvider: issuer.caPublicKeyInfo,
    appId: toHex(appId),
    appRoot: toHex(appRoot.publicKey),
    keyApi: chain.keyApi,
  })
}

const MAX_LISTED = 4

function list(keys: readonly Hex[]): string {
  if (keys.length === 0) return 'of an empty list'
  return `${keys.slice(0, MAX_LISTED).join(' or ')}${keys.length > MAX_LISTED ? ' or …' : ''}`
}

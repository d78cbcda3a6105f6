import { equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toBareHex, toHex } from '../bytes/hex.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { failed, passed, type Check } from '../report/check.ts'
import { keyProviderOf } from './key-provider.ts'
import {
  mrConfigIdV1,
  mrConfigIdV2,
  mrConfigDocuments,
  mrConfigIdV3,
  parseMrConfig,
  type KeyProviderKind,
  type MrConfig,
} from './mr-config.ts'
import { payloadsOf, singlePayload } from './platform-events.ts'
import type { RuntimeEvent } from './runtime-events.ts'

/** What MRCONFIGID may commit to besides the compose file; each undefined where it is not at hand. */
export interface MrConfigFacts {
  /** Platform events of the replayed log. Versions 2 and 3 name what they say. */
  readonly platform: readonly RuntimeEvent[] | undefined
  /**
   * Exact text of the version 3 document: `mr_config` of the host's sys-config. Where it is not at hand, it is written
   * again from what the guest measured.
   */
  readonly document: string | undefined
}

const NAME = 'mr-config-id'
const NO_FACTS: MrConfigFacts = { platform: undefined, document: undefined }

type Result = Check<'mr-config-id'>

/**
 * `mr-config-id`: zero (the host did not set it; RTMR3 alone binds the compose), or a version that fits the compose
 * file and the replayed log. What a version commits to and is not at hand is a failure (attack A8).
 */
export function checkMrConfigId(
  mrConfigId: Uint8Array,
  appCompose: Uint8Array,
  facts: MrConfigFacts = NO_FACTS,
): Result {
  if (mrConfigId.every((byte) => byte === 0)) return passed(NAME, { version: 'not set' })
  const composeHash = sha256(appCompose)
  const [version] = mrConfigId
  if (version === 2) return checkVersion2(mrConfigId, composeHash, facts.platform)
  if (version === 3) return checkVersion3(mrConfigId, composeHash, facts)
  return compare(mrConfigId, mrConfigIdV1(composeHash), { version: 1 }, 'zero or ')
}

function checkVersion2(
  mrConfigId: Uint8Array,
  composeHash: Uint8Array,
  platform: readonly RuntimeEvent[] | undefined,
): Result {
  if (platform === undefined) return missing(mrConfigId, 'the replayed event log')
  const measured = measuredOf(platform, composeHash)
  if (measured.appId === undefined) return failed(NAME, 'one app-id event', 'none')
  if (measured.keyProvider === undefined) {
    return failed(NAME, 'one key-provider event of a known kind', 'none')
  }
  const { appId, keyProvider } = measured
  const expected = mrConfigIdV2(composeHash, appId, keyProvider.kind, keyProvider.id)
  return compare(mrConfigId, expected, { version: 2, keyProvider: keyProvider.kind })
}

function checkVersion3(
  mrConfigId: Uint8Array,
  composeHash: Uint8Array,
  { platform, document }: MrConfigFacts,
): Result {
  if (platform === undefined) return missing(mrConfigId, 'the replayed event log')
  if (document === undefined) return checkRewritten(mrConfigId, measuredOf(platform, composeHash))
  let config: MrConfig
  let expected: Uint8Array
  try {
    expected = mrConfigIdV3(document)
    config = parseMrConfig(document)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return failed(NAME, 'a mr_config document', error.message)
  }
  const result = compare(mrConfigId, expected, { version: 3, document })
  return result.status === 'passed'
    ? (contradiction(config, measuredOf(platform, composeHash)) ?? result)
    : result
}

/**
 * Version 3 without its document: dstack writes it in canonical form (RFC 8785), and what it may name the guest
 * measured, so that only which optional members it has is open.
 */
function checkRewritten(mrConfigId: Uint8Array, measured: Measured): Result {
  const { keyProvider } = measured
  if (keyProvider === undefined) {
    return failed(NAME, 'one key-provider event of a known kind', 'none')
  }
  const document = mrConfigDocuments(demandsOf(measured, keyProvider)).find((candidate) =>
    equalBytes(mrConfigIdV3(candidate), mrConfigId),
  )
  if (document !== undefined) {
    return passed(NAME, { version: 3, document, mrConfigId: toHex(mrConfigId) })
  }
  return failed(NAME, 'a version 3 document of what the log says', `another: ${toHex(mrConfigId)}`)
}

/** The document that demands everything the guest measured. */
function demandsOf(measured: Measured, keyProvider: KeyProviderFacts): MrConfig {
  const hex = (bytes: Uint8Array | undefined): string | undefined =>
    bytes === undefined ? undefined : toBareHex(bytes)
  return {
    composeHash: toBareHex(measured.composeHash),
    keyProvider: keyProvider.kind,
    keyProviderId: hex(keyProvider.id),
    appId: hex(measured.appId),
    instanceId: hex(measured.instanceId),
    gpuPolicyHash: hex(measured.gpuPolicyHash),
    initScriptHashes: measured.initScriptHashes.map((hash) => toBareHex(hash)),
  }
}

/** What the guest measured of itself. */
interface Measured {
  readonly composeHash: Uint8Array
  readonly appId: Uint8Array | undefined
  readonly instanceId: Uint8Array | undefined
  readonly gpuPolicyHash: Uint8Array | undefined
  readonly initScriptHashes: readonly Uint8Array[]
  readonly keyProvider: KeyProviderFacts | undefined
}

interface KeyProviderFacts {
  readonly kind: KeyProviderKind
  readonly id: Uint8Array
}

/** Names of the `key-provider` event by kind. */
const KIND_BY_NAME: ReadonlyMap<string, KeyProviderKind> = new Map([
  ['none', 'none'],
  ['local-sgx', 'local'],
  ['kms', 'kms'],
  ['tpm', 'tpm'],
])

function measuredOf(platform: readonly RuntimeEvent[], composeHash: Uint8Array): Measured {
  const provider = keyProviderOf(platform)
  const kind = KIND_BY_NAME.get(provider?.name ?? '')
  return {
    composeHash,
    appId: singlePayload(platform, 'app-id'),
    instanceId: singlePayload(platform, 'instance-id'),
    gpuPolicyHash: singlePayload(platform, 'gpu-policy-hash'),
    initScriptHashes: payloadsOf(platform, 'init-script-hash'),
    keyProvider:
      provider === undefined || kind === undefined ? undefined : { kind, id: provider.id },
  }
}

/** The first demand of the document that the TD does not meet. As in dstack, what it does not name it does not demand. */
function contradiction(config: MrConfig, measured: Measured): Result | undefined {
  const hex = (bytes: Uint8Array | undefined): string =>
    bytes === undefined ? 'none' : toBareHex(bytes)
  const demands: readonly (readonly [string, string | undefined, string])[] = [
    ['compose_hash', config.composeHash, hex(measured.composeHash)],
    ['key_provider', config.keyProvider, measured.keyProvider?.kind ?? 'none known'],
    ['key_provider_id', config.keyProviderId, hex(measured.keyProvider?.id)],
    ['app_id', config.appId, hex(measured.appId)],
    ['instance_id', config.instanceId, hex(measured.instanceId)],
    ['gpu_policy_hash', config.gpuPolicyHash, hex(measured.gpuPolicyHash)],
    [
      'init_script_hashes',
      config.initScriptHashes?.join(),
      measured.initScriptHashes.map((hash) => toBareHex(hash)).join(),
    ],
  ]
  const broken = demands.find(
    ([, demanded, actual]) => demanded !== undefined && demanded !== actual,
  )
  if (broken === undefined) return undefined
  const [member, demanded, actual] = broken
  return failed(NAME, `${member} ${demanded}`, actual)
}

function compare(
  mrConfigId: Uint8Array,
  expected: Uint8Array,
  evidence: Readonly<Record<string, unknown>>,
  or = '',
): Result {
  const actual = toHex(mrConfigId)
  return equalBytes(mrConfigId, expected)
    ? passed(NAME, { ...evidence, mrConfigId: actual })
    : failed(NAME, `${or}${toHex(expected)}`, actual)
}

function missing(mrConfigId: Uint8Array, what: string): Result {
  const [version = 0] = mrConfigId
  return failed(
    NAME,
    `${what}, to which version ${version} commits`,
    `version ${version} without it: ${toHex(mrConfigId)}`,
  )
}

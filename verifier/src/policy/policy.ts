import type { Hex } from '../bytes/hex.ts'
import { parseStrictJson } from '../bytes/strict-json.ts'
import type { KeyCustodyPolicy, TrustedKms } from '../dstack/check-key-custody.ts'
import type { BootPolicy } from '../dstack/boot/check-boot.ts'
import type { ComposeRules } from '../dstack/compose/appraise-compose.ts'
import { parseComposeTemplate } from '../dstack/compose/template.ts'
import { VerifierError } from '../errors.ts'
import { readGpuRequirement, type GpuRequirement } from '../gpu/gpu-policy.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asArray, asHex, asInteger, asOneOf, exactObject } from '../protocol/shape.ts'
import { parseTcbPolicy, readOsImage, type TcbPolicy } from '../tdx/quote-policy.ts'
import type { Tier } from '../tdx/trust-anchor.ts'

/** What a relying party accepts (docs/protocol.md §4). An empty list accepts nothing. */
export interface AppraisalPolicy extends ComposeRules, BootPolicy {
  readonly v: 1
  readonly gpu: GpuRequirement
  readonly keyCustody: KeyCustodyPolicy
  readonly tcb: TcbPolicy
  readonly tiers: readonly Tier[]
}

const MAX_ENTRIES = 4096
const MAX_POLICY_CHARACTERS = 4 * 1024 * 1024
const MAX_DEPTH = 8

/**
 * Reads policy JSON as people write it: white space is free, doubled, unknown and missing members are not.
 * @throws VerifierError `POLICY_INVALID`
 */
export function parsePolicy(text: string): AppraisalPolicy {
  try {
    if (text.length > MAX_POLICY_CHARACTERS) throw new SyntaxError('policy: too large')
    return readPolicy(parseStrictJson(text, { maxDepth: MAX_DEPTH }))
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof ProtocolError)) throw cause
    throw new VerifierError('POLICY_INVALID', cause.message, { cause })
  }
}

function readPolicy(value: unknown): AppraisalPolicy {
  const policy = exactObject(value, 'policy', [
    'v',
    'acpi',
    'composeHashes',
    'composeTemplates',
    'gpu',
    'keyCustody',
    'osImageHashes',
    'osImages',
    'tcb',
    'tiers',
  ])
  asInteger(policy['v'], 'policy.v', { min: 1, max: 1 })
  return {
    v: 1,
    acpi: readAcpi(policy['acpi']),
    composeHashes: readDigests(policy['composeHashes'], 'policy.composeHashes'),
    composeTemplates: asArray(
      policy['composeTemplates'],
      'policy.composeTemplates',
      MAX_ENTRIES,
    ).map((template) => parseComposeTemplate(template, 'policy.composeTemplates[]')),
    gpu: readGpuRequirement(policy['gpu'], 'policy.gpu'),
    keyCustody: readKeyCustody(policy['keyCustody']),
    osImageHashes: readDigests(policy['osImageHashes'], 'policy.osImageHashes'),
    osImages: asArray(policy['osImages'], 'policy.osImages', MAX_ENTRIES).map((image) =>
      readOsImage(image, 'policy.osImages[]'),
    ),
    tcb: parseTcbPolicy(policy['tcb'], 'policy.tcb'),
    tiers: asArray(policy['tiers'], 'policy.tiers', 2).map((tier) =>
      asOneOf(tier, 'policy.tiers[]', ['tdx', 'simulated']),
    ),
  }
}

/** SHA-256 digests. */
function readDigests(value: unknown, place: string): readonly Hex[] {
  return asArray(value, place, MAX_ENTRIES).map((digest) => asHex(digest, `${place}[]`, 32))
}

function readAcpi(value: unknown): BootPolicy['acpi'] {
  const place = 'policy.acpi'
  const acpi = exactObject(value, place, ['reviewed', 'unreviewed'])
  return {
    reviewed: asArray(acpi['reviewed'], `${place}.reviewed`, MAX_ENTRIES).map((entry) => {
      const tables = exactObject(entry, `${place}.reviewed[]`, ['loader', 'rsdp', 'tables'])
      return {
        loader: asHex(tables['loader'], `${place}.reviewed[].loader`, 48),
        rsdp: asHex(tables['rsdp'], `${place}.reviewed[].rsdp`, 48),
        tables: asHex(tables['tables'], `${place}.reviewed[].tables`, 48),
      }
    }),
    unreviewed: asOneOf(acpi['unreviewed'], `${place}.unreviewed`, ['accepted', 'refused']),
  }
}

function readKeyCustody(value: unknown): KeyCustodyPolicy {
  const place = 'policy.keyCustody'
  const custody = exactObject(value, place, ['trustedKms', 'keyApis'])
  return {
    trustedKms: asArray(custody['trustedKms'], `${place}.trustedKms`, MAX_ENTRIES).map((entry) =>
      readKms(entry, `${place}.trustedKms[]`),
    ),
    keyApis: asArray(custody['keyApis'], `${place}.keyApis`, 2).map((api) =>
      asOneOf(api, `${place}.keyApis[]`, ['v0', 'v1']),
    ),
  }
}

function readKms(value: unknown, place: string): TrustedKms {
  const kms = exactObject(value, place, ['rootPublicKey', 'caPublicKeyInfo'])
  return {
    rootPublicKey: asHex(kms['rootPublicKey'], `${place}.rootPublicKey`, 33),
    caPublicKeyInfo: asHex(kms['caPublicKeyInfo'], `${place}.caPublicKeyInfo`, P256_KEY_INFO_BYTES),
  }
}

/** SubjectPublicKeyInfo of a P-256 key. */
const P256_KEY_INFO_BYTES = 91

import { equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { fromBareHex, fromHex, toBareHex, toHex } from '../bytes/hex.ts'
import { checkDialectDevices } from '../dialect/check-devices.ts'
import { deviceOf } from '../dialect/device-items.ts'
import { judgeQuote, type DialectContext, type QuoteFirst } from '../dialect/judge-quote.ts'
import { checkBoot } from '../dstack/boot/check-boot.ts'
import type { GpuClaims } from '../gpu/gpu-report.ts'
import { mrConfigIdV1 } from '../dstack/mr-config.ts'
import type { AppraisalPolicy } from '../policy/policy.ts'
import { TINFOIL, tinfoilReportData } from '../protocol/dialects/tinfoil-report-data.ts'
import type { GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asOneOf, exactObject } from '../protocol/shape.ts'
import { failed, passed, type Check } from '../report/check.ts'
import type { JudgedReport } from '../report/conclude.ts'
import { checkTdAttributes } from '../tdx/check-td-attributes.ts'
import { parseTinfoilDocument, type TinfoilDocument } from './document.ts'

const OWN_CHECKS = [
  'td-attributes',
  'compose-allowed',
  'os-image-allowed',
  'tinfoil-envelope',
  'report-data',
  'gpu-evidence',
] as const

type ContentCheckName = (typeof OWN_CHECKS)[number]

/** One check of a Tinfoil document. */
export type TinfoilCheckName = QuoteFirst | ContentCheckName

/** What a verified Tinfoil document says; bare hex. */
export interface TinfoilClaims {
  /** SHA-256 of the TLS key's SubjectPublicKeyInfo; undefined where TLS does not end in the TD. */
  readonly tlsSpkiSha256: string | undefined
  /** X25519 key that bodies are sealed to. */
  readonly hpkePublicKey: string | undefined
  /** What was proven of GPUs; absent for a CPU-only node. */
  readonly gpu?: GpuClaims
}

/** What a relying party brings to a Tinfoil document. Tinfoil's own trust roots are none of it. */
export interface TinfoilContext extends DialectContext {
  /** 64 lowercase hex characters of its own making. */
  readonly nonce: string
}

/** A judged Tinfoil document. */
export type TinfoilJudgement = JudgedReport<TinfoilCheckName, TinfoilClaims>

/**
 * Judges a Tinfoil v3 document. It carries no event log, so what runs is known by MRCONFIGID alone, and a machine that
 * leaves it empty is refused.
 * @throws VerifierError, ProtocolError on input nobody can judge
 */
export async function verifyTinfoilDocument(
  text: string,
  context: TinfoilContext,
): Promise<TinfoilJudgement> {
  const document = parseTinfoilDocument(text)
  const { nonce, policy } = context
  if (!/^[0-9a-f]{64}$/.test(nonce)) {
    throw new ProtocolError('INPUT_HEX', 'nonce: expected 64 lowercase hex characters')
  }
  const { cryptoMaterial, deviceEvidence } = document
  const expected = tinfoilReportData(fromBareHex(nonce), cryptoMaterial, deviceEvidence)
  return judgeQuote(document.quote, context, OWN_CHECKS, async ({ body }, at) => {
    const read = (): readonly GpuDeviceEvidence[] => devicesOf(document)
    const gpu = await checkDialectDevices(read, fromBareHex(nonce), context, at)
    const [rtmr0, rtmr1, rtmr2] = body.rtmrs
    const boot = { mrtd: body.mrTd, rtmr0, rtmr1, rtmr2 }
    const checks: readonly Check<ContentCheckName>[] = [
      checkTdAttributes(body),
      checkComposeByConfigId(body.mrConfigId, policy),
      checkBoot(boot, policy, { vmConfig: undefined, log: [] }),
      checkEnvelope(document, nonce, body.reportData),
      equalBytes(expected, body.reportData)
        ? passed('report-data', { reportData: toBareHex(expected) })
        : failed('report-data', toBareHex(expected), toBareHex(body.reportData)),
      gpu.check,
    ]
    const keyOf = (format: string): string | undefined =>
      document.keys.find((key) => key.format === format)?.data
    const claims = { tlsSpkiSha256: keyOf(TINFOIL.spkiKey), hpkePublicKey: keyOf(TINFOIL.hpkeKey) }
    return {
      checks,
      claims: gpu.claims === undefined ? claims : { ...claims, gpu: gpu.claims },
      gpuTier: gpu.claims?.tier,
    }
  })
}

/** `compose-allowed`: MRCONFIGID is version 1 of a compose file that the policy lists by its hash. */
function checkComposeByConfigId(
  mrConfigId: Uint8Array,
  { composeHashes }: AppraisalPolicy,
): Check<'compose-allowed'> {
  const listed = composeHashes.find((hash) => equalBytes(mrConfigIdV1(fromHex(hash)), mrConfigId))
  return listed === undefined
    ? failed(
        'compose-allowed',
        `MRCONFIGID of ${composeHashes.length} listed files`,
        toHex(mrConfigId),
      )
    : passed('compose-allowed', { composeHash: listed })
}

/** `tinfoil-envelope`: what is said twice is the same. A correct envelope proves nothing by itself. */
function checkEnvelope(
  document: TinfoilDocument,
  nonce: string,
  signed: Uint8Array,
): Check<'tinfoil-envelope'> {
  const name = 'tinfoil-envelope'
  const { cryptoMaterial, deviceEvidence, keys } = document
  const said: readonly (readonly [string, string, string])[] = [
    ['nonce', nonce, document.nonce],
    ['crypto_material_hash', toBareHex(sha256(cryptoMaterial)), document.cryptoMaterialHash],
    ['device_evidence_hash', toBareHex(sha256(deviceEvidence)), document.deviceEvidenceHash],
    ['report_data', toBareHex(signed), document.reportData],
  ]
  const wrong = said.find(([, expected, actual]) => expected !== actual)
  if (wrong !== undefined) return failed(name, `${wrong[0]} ${wrong[1]}`, wrong[2])
  const doubled = [TINFOIL.spkiKey, TINFOIL.hpkeKey].find(
    (format) => keys.filter((key) => key.format === format).length > 1,
  )
  return doubled === undefined
    ? passed(name, { keys: keys.length })
    : failed(name, `one key of ${doubled}`, 'several')
}

/** Devices of the section, whose exact bytes the report data names. @throws ProtocolError */
function devicesOf({ devices }: TinfoilDocument): readonly GpuDeviceEvidence[] {
  const place = 'device_evidence.items[]'
  return devices.map((entry) => {
    const item = exactObject(entry, place, ['id', 'kind', 'vendor', 'format', 'evidence'])
    asOneOf(item['vendor'], `${place}.vendor`, ['nvidia'])
    asOneOf(item['format'], `${place}.format`, [TINFOIL.gpuEvidence, TINFOIL.switchEvidence])
    const members = ['arch', 'certificate', 'evidence', 'nonce']
    return deviceOf(exactObject(item['evidence'], `${place}.evidence`, members), place)
  })
}

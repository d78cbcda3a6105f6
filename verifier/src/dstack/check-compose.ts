import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex, type Hex } from '../bytes/hex.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import { singlePayload, type RuntimeEvent } from './event-log.ts'

/** `compose-hash`: the app-compose bytes are the measured ones. dstack hashes the raw file, without normalising. */
export function checkComposeHash(
  appCompose: Uint8Array,
  platform: readonly RuntimeEvent[] | undefined,
): Check<'compose-hash'> {
  const name = 'compose-hash'
  if (platform === undefined) return skipped(name, 'the event log was not replayed')
  const measured = singlePayload(platform, 'compose-hash')
  if (measured?.length !== 32) {
    return failed(name, 'one compose-hash event of 32 bytes before system-ready', 'none')
  }
  const actual = sha256(appCompose)
  return equalBytes(measured, actual)
    ? passed(name, { composeHash: toHex(actual), bytes: appCompose.length })
    : failed(name, toHex(measured), toHex(actual))
}

const MR_CONFIG_ID_V1 = 0x01

/**
 * `mr-config-id`: zero (the host did not set it; RTMR3 alone binds the compose), or version 1, 01 ‖ compose hash ‖
 * zeros. Versions 2 and 3 hash a document that is not part of the evidence, so they are refused.
 */
export function checkMrConfigId(
  mrConfigId: Uint8Array,
  appCompose: Uint8Array,
): Check<'mr-config-id'> {
  const name = 'mr-config-id'
  if (mrConfigId.every((byte) => byte === 0)) return passed(name, { version: 'not set' })
  const expected = concatBytes(
    Uint8Array.of(MR_CONFIG_ID_V1),
    sha256(appCompose),
    new Uint8Array(15),
  )
  return equalBytes(mrConfigId, expected)
    ? passed(name, { version: 1, mrConfigId: toHex(mrConfigId) })
    : failed(name, `zero or ${toHex(expected)}`, describe(mrConfigId))
}

function describe(mrConfigId: Uint8Array): string {
  const [version] = mrConfigId
  return version === 2 || version === 3
    ? `version ${version}, whose document is not part of the evidence: ${toHex(mrConfigId)}`
    : toHex(mrConfigId)
}

/** `instance-identity`: the statement's instance is the one that was measured (20 bytes, left-padded). */
export function checkInstance(
  instanceId: Hex,
  platform: readonly RuntimeEvent[] | undefined,
): Check<'instance-identity'> {
  const name = 'instance-identity'
  if (platform === undefined) return skipped(name, 'the event log was not replayed')
  const measured = singlePayload(platform, 'instance-id')
  if (measured?.length !== 20) {
    return failed(name, 'one instance-id event of 20 bytes before system-ready', 'none')
  }
  const expected = toHex(concatBytes(new Uint8Array(12), measured))
  return instanceId === expected ? passed(name, { instanceId }) : failed(name, expected, instanceId)
}

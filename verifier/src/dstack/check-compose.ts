import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex, type Hex } from '../bytes/hex.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import { singlePayload } from './platform-events.ts'
import type { RuntimeEvent } from './runtime-events.ts'

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

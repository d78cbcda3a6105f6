import { quoted } from './quoted.ts'
import type { RuntimeEvent } from './runtime-events.ts'

const SYSTEM_READY = 'system-ready'

/**
 * The events that mean something: those before the first `system-ready`. What follows was extended by the
 * application and could imitate the platform (attack A4). Undefined when there is no `system-ready`.
 */
export function platformEvents(
  events: readonly RuntimeEvent[],
): readonly RuntimeEvent[] | undefined {
  const end = events.findIndex(({ name }) => name === SYSTEM_READY)
  return end === -1 ? undefined : events.slice(0, end)
}

/** Payloads of the events of that name, in order. */
export function payloadsOf(events: readonly RuntimeEvent[], name: string): readonly Uint8Array[] {
  return events.filter((event) => event.name === name).map(({ payload }) => payload)
}

/** Payload of the one event of that name; undefined when it is missing or doubled (attack A3). */
export function singlePayload(
  events: readonly RuntimeEvent[],
  name: string,
): Uint8Array | undefined {
  const found = payloadsOf(events, name)
  return found.length === 1 ? found[0] : undefined
}

/** A platform event whose number or size is not the documented one. */
export interface PlatformFault {
  readonly expected: string
  readonly actual: string
}

/** Sizes in bytes of the events of dstack 0.3 to 0.6; undefined for free text. Each stands at most once. */
const SINGLE_EVENTS: ReadonlyMap<string, readonly number[] | undefined> = new Map([
  ['system-preparing', [0]],
  ['app-id', [20]],
  ['compose-hash', [32]],
  ['instance-id', [0, 20]],
  ['boot-mr-done', [0]],
  ['rootfs-hash', [32]],
  ['mr-kms', [32]],
  ['os-image-hash', [32]],
  ['gpu-policy-hash', [32]],
  ['gpu-attestation', undefined],
  ['key-provider', undefined],
  ['storage-fs', undefined],
  ['storage-encrypted', undefined],
])
const INIT_SCRIPT_HASH = 'init-script-hash'
const MAX_INIT_SCRIPTS = 5
const HASH_BYTES = 32

/**
 * The first platform event that is doubled or of a wrong size, or whose name another split of the same measured
 * bytes could give. Events of unknown names are replayed and mean nothing.
 */
export function platformFault(platform: readonly RuntimeEvent[]): PlatformFault | undefined {
  for (const { name, version, payload } of platform) {
    // A version 1 digest joins name and payload with a colon: with one in the name, the same digest has two readings.
    if (version === 1 && name.includes(':')) {
      return { expected: 'event names without a colon', actual: quoted(name) }
    }
    const sizes = name === INIT_SCRIPT_HASH ? [HASH_BYTES] : SINGLE_EVENTS.get(name)
    if (sizes !== undefined && !sizes.includes(payload.length)) {
      return {
        expected: `${name} of ${sizes.join(' or ')} bytes`,
        actual: `${payload.length} bytes`,
      }
    }
  }
  for (const name of SINGLE_EVENTS.keys()) {
    if (payloadsOf(platform, name).length > 1) {
      return { expected: `one ${name} event`, actual: 'more than one' }
    }
  }
  const scripts = payloadsOf(platform, INIT_SCRIPT_HASH).length
  return scripts > MAX_INIT_SCRIPTS
    ? { expected: `at most ${MAX_INIT_SCRIPTS} ${INIT_SCRIPT_HASH} events`, actual: `${scripts}` }
    : undefined
}

import { fromBareHex } from '../../bytes/hex.ts'
import { utf8 } from '../../bytes/bytes.ts'
import { checkAttestationLog } from '../../dstack/attestation/check-attestation-log.ts'
import { decodeAttestation } from '../../dstack/attestation/decode-attestation.ts'
import {
  checkEventLog,
  type BootRegisters,
  type ReplayedLog,
} from '../../dstack/check-event-log.ts'
import { parseEventLog } from '../../dstack/event-log.ts'
import type { LogEvent } from '../../dstack/log-event.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { asObject, asString, type JsonObject } from '../../protocol/shape.ts'
import { parseBinary } from '../../bytes/binary-text.ts'
import { optionalText, parseJson, parseJsonObject } from '../../protocol/json-object.ts'

/** What a dstack guest agent answered. Only the quote is signed. */
export interface Capture {
  readonly quote: Uint8Array
  readonly log: CapturedLog | undefined
  /** Exact bytes of app-compose.json. */
  readonly appCompose: Uint8Array | undefined
  /** Exact text of the version 3 document that MRCONFIGID may commit to. */
  readonly mrConfig: string | undefined
  /** What the host says of the machine; nothing here is judged by it. */
  readonly vmConfig: string | undefined
}

/** A log as it was served. */
export interface CapturedLog {
  /** @throws VerifierError, ProtocolError on a log that is none */
  events(): readonly LogEvent[]
  replay(rtmr3: Uint8Array, boot: BootRegisters): ReplayedLog
}

const MAX_TEXT_CHARACTERS = 32 * 1024 * 1024

/**
 * Reads a capture: the answer of `GetQuote`, with members of `Info` beside or inside `tcb_info`, or the answer of
 * `Attest`. Members it does not know are let be.
 * @throws ProtocolError, VerifierError
 */
export function readCapture(bytes: Uint8Array): Capture {
  const object = parseJsonObject(bytes, 'capture')
  const info = tcbInfoOf(object)
  const appCompose = optionalText(object, 'app_compose') ?? optionalText(info, 'app_compose')
  const shared = {
    appCompose: appCompose === undefined ? undefined : utf8(appCompose),
    mrConfig: optionalText(object, 'mr_config'),
  }
  if (object['quote'] === undefined && object['attestation'] !== undefined) {
    return { ...readAttestation(object), ...shared }
  }
  return {
    quote: parseBinary(object['quote'], 'quote'),
    log: logOf(object['event_log'] ?? info['event_log']),
    vmConfig: optionalText(object, 'vm_config'),
    ...shared,
  }
}

function readAttestation(object: JsonObject): Pick<Capture, 'quote' | 'log' | 'vmConfig'> {
  const hex = asString(object['attestation'], 'attestation', MAX_TEXT_CHARACTERS)
  const attestation = decodeAttestation(fromBareHex(hex, undefined, 'attestation'))
  return {
    quote: attestation.quote,
    log: {
      events: () => attestation.eventLog,
      replay: (rtmr3, boot) => checkAttestationLog(attestation, rtmr3, boot),
    },
    vmConfig: attestation.config,
  }
}

/** `tcb_info` of `Info`, which is JSON in a string. */
function tcbInfoOf({ tcb_info }: JsonObject): JsonObject {
  if (tcb_info === undefined) return {}
  const value = typeof tcb_info === 'string' ? parseJson(tcb_info, 'tcb_info') : tcb_info
  return asObject(value, 'tcb_info')
}

/** A log is JSON in a string, or the array itself. */
function logOf(value: unknown): CapturedLog | undefined {
  if (value === undefined || value === '') return undefined
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw new ProtocolError('INPUT_FIELD', 'event_log: expected an array, or its text')
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return {
    events: () => parseEventLog(text),
    replay: (rtmr3, boot) => checkEventLog(text, rtmr3, boot),
  }
}

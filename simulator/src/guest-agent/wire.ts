import { fromBareHex, ProtocolError } from '@jeju/verifier/protocol'

/** A refusal that becomes `{"error": …}` with this status. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly status: 400 | 404 | 413 | 501

  constructor(message: string, status: 400 | 404 | 413 | 501 = 400) {
    super(message)
    this.status = status
  }
}

/** JSON members of a call; a missing one has its protobuf default. */
export type Fields = Readonly<Record<string, unknown>>

/** A method: fields in, JSON members out. */
export type Method = (fields: Fields) => unknown

/** Reads a string field. */
export function text(fields: Fields, name: string): string {
  const value = fields[name] ?? ''
  if (typeof value !== 'string') throw new AgentError(`invalid field ${name}: expected string`)
  return value
}

/** Reads a bytes field: hex, `0x` allowed on input only. */
export function bytes(fields: Fields, name: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBareHex(text(fields, name).replace(/^0x/, ''))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new AgentError(`invalid field ${name}: expected hex`)
  }
}

/** Reads a list of strings. */
export function textList(fields: Fields, name: string): readonly string[] {
  const value = fields[name] ?? []
  if (!Array.isArray(value)) throw new AgentError(`invalid field ${name}: expected array`)
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw new AgentError(`invalid field ${name}: expected strings`)
    return item
  })
}

/** Reads a switch; a query string spells it. */
export function flag(fields: Fields, name: string): boolean {
  const value = fields[name] ?? false
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw new AgentError(`invalid field ${name}: expected boolean`)
}

/** Reads an unsigned integer that may be absent. As a text too: queries have no other form, proto3 JSON allows it. */
export function wholeNumber(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined
  if (value === undefined) return undefined
  const number = typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw new AgentError(`invalid field ${name}: expected whole number`)
}

const MAX_REPORT_DATA_BYTES = 64

/** Report data, zero-padded on the right to 64 bytes. */
export function reportData(fields: Fields): Uint8Array<ArrayBuffer> {
  const given = bytes(fields, 'report_data')
  if (given.length > MAX_REPORT_DATA_BYTES) {
    throw new AgentError('report_data is too long: more than 64 bytes')
  }
  const padded = new Uint8Array(MAX_REPORT_DATA_BYTES)
  padded.set(given)
  return padded
}

/**
 * JSON in ASCII: the published SDK counts characters where HTTP counts bytes, so every other character is escaped.
 */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

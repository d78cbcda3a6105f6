import { VerifierError } from '../../errors.ts'
import type { MemoryRange, TdHobLayout } from './td-hob.ts'

const MAX_RANGES = 64
const MAX_VARINT_BYTES = 9
const PAGE_BYTES = 4096n
/** Guest physical addresses have at most 52 bits. */
const MAX_PAGE: bigint = 1n << 40n

/**
 * The layout that a measurement document carries in place of the firmware's sections: LEB128 numbers base_page,
 * hob_page_delta, n, then n pairs start_delta, page_count.
 * @throws VerifierError `MEASUREMENT_INVALID`
 */
export function parseTdHobWitness(bytes: Uint8Array): TdHobLayout {
  const read = varints(bytes)
  const basePage = read()
  const base = page(basePage + read()) * PAGE_BYTES
  const count = read()
  if (count > BigInt(MAX_RANGES)) throw invalid(`${count} ranges`)
  const accepted: MemoryRange[] = []
  for (let index = 0n; index < count; index++) {
    const start = page(basePage + read())
    accepted.push({ start: start * PAGE_BYTES, end: page(start + read()) * PAGE_BYTES })
  }
  if (read.rest() > 0) throw invalid(`${read.rest()} bytes behind the last range`)
  return { base, accepted }
}

function page(number: bigint): bigint {
  if (number > MAX_PAGE) throw invalid(`page ${number}`)
  return number
}

/** Reads one number at each call. Longer spellings of a number are refused, so one layout has one witness. */
function varints(bytes: Uint8Array): (() => bigint) & { readonly rest: () => number } {
  let at = 0
  const read = (): bigint => {
    let value = 0n
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = bytes[at++]
      if (byte === undefined) throw invalid('ends inside a number')
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if ((byte & 0x80) !== 0) continue
      if (byte === 0 && index > 0) throw invalid('a number with a needless byte')
      return value
    }
    throw invalid('a number of more than 63 bits')
  }
  return Object.assign(read, { rest: () => bytes.length - at })
}

function invalid(what: string): VerifierError {
  return new VerifierError('MEASUREMENT_INVALID', `TD HOB witness: ${what}`)
}

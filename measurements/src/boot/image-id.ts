import { concatBytes, fromHex, keccak256, toHex, type Hex } from '@jeju/verifier/protocol'
import type { BootRegistersHex } from '../release/schema.ts'

/** Fields of a TD report beside the boot registers by which the chain names an image. */
export interface TdFields {
  /** 8 bytes each. */
  readonly tdAttributes: Hex
  readonly xfam: Hex
}

/** What dstack's machines have (every recorded one does): no debug, SEPT_VE_DISABLE; x87, SSE, AVX, AVX-512, AMX. */
export const DSTACK_TD_FIELDS: TdFields = {
  tdAttributes: '0x0000001000000000',
  xfam: '0xe702060000000000',
}

const REGISTER_BYTES = 48

/**
 * The id of an image on chain: Keccak-256 over td_attributes, xfam, MRTD, MROWNER, MROWNERCONFIG (both zero) and RTMR0
 * to 2, as they stand in a TD report. The compose file is not part of it.
 */
export function imageIdOf(registers: BootRegistersHex, fields: TdFields = DSTACK_TD_FIELDS): Hex {
  const { mrtd, rtmr0, rtmr1, rtmr2 } = registers
  const register = (value: Hex): Uint8Array => fromHex(value, REGISTER_BYTES)
  return toHex(
    keccak256(
      concatBytes(
        fromHex(fields.tdAttributes, 8),
        fromHex(fields.xfam, 8),
        register(mrtd),
        new Uint8Array(2 * REGISTER_BYTES),
        register(rtmr0),
        register(rtmr1),
        register(rtmr2),
      ),
    ),
  )
}

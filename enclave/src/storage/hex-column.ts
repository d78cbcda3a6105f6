import type { Hex } from '@jeju/verifier/protocol'
import { StoreError } from './schema.ts'

/** A column of lower-case hex with 0x. @throws StoreError `STORE_CORRUPT` */
export function hexOf(value: unknown): Hex {
  if (typeof value === 'string' && /^0x[0-9a-f]+$/.test(value)) return value as Hex
  throw new StoreError('STORE_CORRUPT', 'database: malformed hex')
}

import type { Hex } from '@jeju/verifier/protocol'
import { GatewayError } from '../http/gateway-error.ts'

/** Verifications that one payer may have under way. */
export const MAX_VERIFIES_PER_PAYER = 4
/** Of all payers together: a facilitator limits whoever asks it too much, and would refuse everybody. */
export const MAX_VERIFIES = 64

/** How many payments this replica has verified at once. */
export interface VerifyLimits {
  /**
   * Runs a verification while there is room.
   * @throws GatewayError `too_many_requests` for the payer, `overloaded` for all
   */
  run(payer: Hex, verify: () => Promise<void>): Promise<void>
}

export function createVerifyLimits(): VerifyLimits {
  const ofPayer = new Map<Hex, number>()
  let underWay = 0
  const enter = (payer: Hex): void => {
    const own = ofPayer.get(payer) ?? 0
    if (own >= MAX_VERIFIES_PER_PAYER) {
      const text = `payment: ${own} of ${payer} are being verified`
      throw new GatewayError('too_many_requests', text, { retryAfterS: 1 })
    }
    if (underWay >= MAX_VERIFIES) {
      throw new GatewayError('overloaded', `payment: ${underWay} are being verified`, {
        retryAfterS: 1,
      })
    }
    underWay += 1
    ofPayer.set(payer, own + 1)
  }
  const leave = (payer: Hex): void => {
    underWay -= 1
    const own = (ofPayer.get(payer) ?? 1) - 1
    if (own > 0) ofPayer.set(payer, own)
    else ofPayer.delete(payer)
  }
  return {
    run: async (payer, verify) => {
      enter(payer)
      try {
        await verify()
      } finally {
        leave(payer)
      }
    },
  }
}

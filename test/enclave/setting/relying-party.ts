import { simulatedTrustAnchor } from '@jeju/verifier'
import type { DialectContext } from '@jeju/verifier/dialects'
import { collateralOf, policyOf } from '../../simulated-trust.ts'
import { thePlatform, type Running } from './start-node.ts'

/** What a relying party that takes exactly this node brings to its evidence. */
export async function contextOf({ td, clock }: Running): Promise<DialectContext> {
  const { rootCertificateDer } = await thePlatform()
  return {
    at: clock.now(),
    trustAnchor: simulatedTrustAnchor('test', rootCertificateDer),
    collateral: await collateralOf(td.platform).collateralFor({
      fmspc: '00'.repeat(6),
      ca: 'platform',
    }),
    policy: policyOf(td),
  }
}

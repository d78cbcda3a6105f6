import type { Hex } from '@jeju/verifier/protocol'
import { createPublicClient, http } from 'viem'
import type { LocalChain } from '../../../demo/network/chain.ts'
import { createVerification } from '../../../enclave/src/chain/verification.ts'

/** Until when others than this binding have the devices: what a node reads when its claim is refused. */
export function heldUntil(
  { deployment, rpcUrl, account }: LocalChain,
  bindingId: Hex,
  devices: readonly Hex[],
): Promise<bigint> {
  const { computeRegistry, tdx } = deployment
  if (tdx === undefined) throw new Error('the devnet judges on chain')
  const unasked = (): Promise<never> => Promise.reject(new Error('asked'))
  const verification = createVerification({
    reader: createPublicClient({ transport: http(rpcUrl) }),
    tdx,
    computeRegistry,
    account: account(1),
    send: unasked,
    collateral: { collateralFor: unasked, evaluationNumbers: unasked },
  })
  return verification.heldUntil(bindingId, devices)
}

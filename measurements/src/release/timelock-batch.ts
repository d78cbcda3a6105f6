import { keccak256, toHex, utf8, type Hex } from '@jeju/verifier/protocol'
import { encodeFunctionData, parseAbi } from 'viem'

/** OpenZeppelin TimelockController 5.x. */
const TIMELOCK_ABI = parseAbi([
  'function scheduleBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt, uint256 delay)',
  'function executeBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt)',
])
const NO_PREDECESSOR: Hex = `0x${'00'.repeat(32)}`

/** Two transactions to a timelock: one now, one when the delay is over. */
export interface TimelockBatch {
  readonly salt: Hex
  readonly schedule: Hex
  readonly execute: Hex
}

/** Calls to one contract as a batch of a timelock; the salt names the batch, so that a second one is another. */
export function timelockBatch(
  target: Hex,
  calls: readonly Hex[],
  { name, delaySeconds }: { readonly name: string; readonly delaySeconds: bigint },
): TimelockBatch {
  const salt = toHex(keccak256(utf8(name)))
  const targets = calls.map(() => target)
  const values = calls.map(() => 0n)
  const common = [targets, values, [...calls], NO_PREDECESSOR, salt] as const
  return {
    salt,
    schedule: encodeFunctionData({
      abi: TIMELOCK_ABI,
      functionName: 'scheduleBatch',
      args: [...common, delaySeconds],
    }),
    execute: encodeFunctionData({
      abi: TIMELOCK_ABI,
      functionName: 'executeBatch',
      args: [...common],
    }),
  }
}

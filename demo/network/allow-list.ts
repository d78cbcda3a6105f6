import { measurementPolicyAbi } from '@jeju/contracts'
import { readQuote } from '@jeju/contracts/dcap'
import type { SimulatedTd } from '@jeju/simulator'
import type { Hex } from '@jeju/verifier/protocol'
import { createWalletClient, keccak256, parseEventLogs, publicActions } from 'viem'
import { foundry } from 'viem/chains'
import { DSTACK_TD_FIELDS } from '../../measurements/src/boot/image-id.ts'
import { allowCall } from '../../measurements/src/release/allow-list.ts'
import type { LocalChain } from './chain.ts'
import { rpc } from './rpc.ts'

/** What an announced measurement waits, as on any chain; the devnet's chain starts that far behind. */
export const POLICY_DELAY_S: number = 48 * 3600
/** A little more, for the blocks in between. */
export const BEHIND_S: number = POLICY_DELAY_S + 3600

/** Where the devnet's sources are said to be; nobody looks. */
const SOURCES = ['https://compute-node.devnet.invalid/source']

/** Software that the chain is to take: a TD that runs it, and the tier that it may have. */
export interface ListedSoftware {
  readonly reference: SimulatedTd
  readonly tier: 'TDX' | 'TDX_GPU'
}

/**
 * Puts images and compose files of TDs on the allow-list of the chain, as a release's publisher does: announced by the
 * owner, accepted by anybody once two days have passed. The chain's time is the clock's afterwards.
 */
export async function listOnChain(
  chain: LocalChain,
  software: readonly ListedSoftware[],
  codeDigest: string,
): Promise<void> {
  const { tdx } = chain.deployment
  if (tdx === undefined) throw new Error('nothing judges quotes on this chain')
  const client = createWalletClient({
    account: chain.owner,
    chain: foundry,
    transport: rpc(chain.rpcUrl),
    pollingInterval: 100,
    ccipRead: false,
  }).extend(publicActions)
  const keys: Hex[] = []
  for (const { reference, tier } of software) {
    const { measurements } = readQuote(await reference.quote(new Uint8Array(64)))
    const call = allowCall({
      imageId: keccak256(measurements.image),
      composeHash: reference.composeHash,
      tdAttributes: DSTACK_TD_FIELDS.tdAttributes,
      tier,
      tcbStatuses: ['UpToDate', 'SWHardeningNeeded'],
      commit: `0x${codeDigest.slice(0, 40)}`,
      sources: SOURCES,
    })
    const announced = await client.sendTransaction({ to: tdx.attestationVerifier, data: call })
    const { logs } = await client.waitForTransactionReceipt({ hash: announced })
    const [event] = parseEventLogs({ abi: measurementPolicyAbi, eventName: 'EntryProposed', logs })
    if (event === undefined) throw new Error('the measurement was not announced')
    keys.push(event.args.key)
  }
  const { timestamp } = await client.getBlock()
  await chain.passTime(Math.floor(Date.now() / 1000) - Number(timestamp))
  for (const key of keys) {
    const accept: Hex = await client.writeContract({
      address: tdx.attestationVerifier,
      abi: measurementPolicyAbi,
      functionName: 'accept',
      args: [key],
    })
    await client.waitForTransactionReceipt({ hash: accept })
  }
}

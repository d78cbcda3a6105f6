import { strict as assert } from 'node:assert'
import type { SdkEvent } from '@jeju/sdk'
import { feeOf } from '@jeju/verifier/protocol'
import { formatEther } from 'viem'
import type { Network } from '../network/network.ts'
import { PRICE, type DevnetProvider } from '../network/operator.ts'
import { waitFor } from '../network/process.ts'
import { settlementOf, type Settlement } from '../network/settlement.ts'
import type { Story } from '../story.ts'

/** Receipts become money: settled by the node, computed by the contract, claimed by the operator. */
export async function settle(
  story: Story,
  net: Network,
  providers: readonly DevnetProvider[],
  events: readonly SdkEvent[],
  available: bigint,
  expectedAvailable: bigint,
): Promise<void> {
  const receipts = events.filter((event) => event.type === 'receipt-verified')
  const expected = receipts.reduce((sum, { receipt: { receipt }, fee }) => {
    assert.equal(fee, feeOf(PRICE, receipt.inputTokens, receipt.outputTokens))
    return sum + fee
  }, 0n)
  const agentId = receipts[0]?.agentId
  const provider = providers.find((candidate) => candidate.agentId === agentId)
  const channelId = receipts[0]?.channelId
  assert(provider !== undefined && channelId !== undefined)

  const settlement: Settlement = await waitFor(
    'the node to settle both receipts',
    async () => {
      const now = await settlementOf(net, channelId, provider.agentId)
      return now.settled === BigInt(receipts.length) ? now : undefined
    },
    { timeoutMs: 30_000, running: provider.process },
  )
  assert.equal(settlement.spent, expected)
  assert.equal(await provider.calls.claimableOf(), expected)
  story.step(
    `${provider.name} settles ${settlement.settled} receipts by itself`,
    `fee ${expected} wei, computed by the contract from the channel's price and two signatures each`,
  )
  const paid = await provider.calls.claim()
  assert.equal(paid, expected)
  assert.equal(await provider.calls.claimableOf(), 0n)
  story.step('its operator claims', `${paid} wei`)
  assert.equal(available, expectedAvailable)
  story.detail(
    `client: ${formatEther(available)} ETH available, ${formatEther(settlement.locked)} ETH locked, ${settlement.spent} wei spent`,
  )

  await provider.calls.postFeedback(provider.agentId)
  const { feedbackCount } = await settlementOf(net, channelId, provider.agentId)
  assert.equal(feedbackCount, 1n)
  story.step('ERC-8004 feedback is written', 'by InferenceServing, weighted by settled volume')
}

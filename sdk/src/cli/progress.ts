import { etherOf } from '../chain/viem-amount.ts'
import type { SdkEvent } from '../events/sdk-event.ts'

/** A line of progress about an event: no prompt, no answer, no key. Undefined for what says nothing new. */
export function progressOf(event: SdkEvent): string | undefined {
  switch (event.type) {
    case 'provider-verified': {
      const { agentId, tier, claims, onChain } = event
      const models = claims.catalog.models.map(({ id }) => id).join(', ')
      const label = tier === 'simulated' ? 'verified under a SIMULATED root' : 'verified'
      const notCounted = onChain.find(({ status }) => status === 'skipped')
      const gpus = notCounted?.status === 'skipped' ? `, ${notCounted.because}` : ''
      return `agent ${agentId}: ${label}, compose ${claims.composeHash}, serves ${models}${gpus}`
    }
    case 'provider-refused':
      return `agent ${event.agentId}: refused: ${reasonsOf(event.refusal.reasons)}`
    case 'provider-unavailable':
      return `agent ${event.agentId}: ${event.reason}`
    case 'channel-opened': {
      const how = event.mode === 'VOUCHER' ? ', paid by vouchers' : ''
      return `channel ${event.channelId}: ${etherOf(event.amount)} ether locked for agent ${event.agentId}${how}`
    }
    case 'channel-topped-up':
      return `channel ${event.channelId}: ${etherOf(event.amount)} ether more locked`
    case 'channel-closed':
      return `channel ${event.channel.channelId}: ${closedText(event.channel)}`
    case 'authorised':
      return `agent ${event.agentId}: at most ${etherOf(event.maxFee)} ether, sealed by ${event.sealedBy}`
    case 'receipt-verified': {
      const { inputTokens, outputTokens } = event.receipt.receipt
      return `agent ${event.agentId}: answer verified, ${inputTokens} tokens in, ${outputTokens} out, ${etherOf(event.fee)} ether`
    }
    case 'receipt-refused':
      return `agent ${event.agentId}: answer REFUSED: ${event.report.checks
        .filter(({ status }) => status === 'failed')
        .map(({ name }) => name)
        .join(', ')}`
    case 'receipt-not-kept':
      return `agent ${event.agentId}: receipt verified but not kept: ${event.reason}`
  }
}

/** What became of a channel, for people. */
export function closedText(
  channel: Extract<SdkEvent, { type: 'channel-closed' }>['channel'],
): string {
  return channel.outcome === 'closing'
    ? `closing, refundable from ${new Date(Number(channel.closeAt) * 1000).toISOString()}: close it again then`
    : `${channel.outcome}, ${etherOf(channel.returned)} ether available again`
}

function reasonsOf(reasons: readonly { readonly check: string; readonly text: string }[]): string {
  return reasons.map(({ check, text }) => `${check} (${text})`).join(', ')
}

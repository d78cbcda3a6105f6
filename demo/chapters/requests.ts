import { strict as assert } from 'node:assert'
import type OpenAI from 'openai'
import { NotVerified, type SdkEvent } from '@jeju/sdk'
import { formatEther } from 'viem'
import type { Story } from '../story.ts'
import type { TamperingProxy } from '../tampering-proxy.ts'

/** A streamed chat completion through the official client. */
export async function streamOne(story: Story, openai: OpenAI, model: string): Promise<void> {
  const stream = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'What is remote attestation?' }],
    max_tokens: 80,
    stream: true,
  })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  assert.match(text, /attestation|proof/i)
  story.step('streams a chat completion', `"${text}"`)
}

/** A whole one. */
export async function askOne(story: Story, openai: OpenAI, model: string): Promise<void> {
  const answer = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'What is 7 times 8?' }],
    max_tokens: 40,
  })
  const text = answer.choices[0]?.message.content ?? ''
  assert.match(text, /56/)
  story.step('makes a non-streaming one', `"${text}"`)
}

/** What the SDK verified before and after, and that it did so for every request. */
export function tellRequests(story: Story, events: readonly SdkEvent[]): void {
  for (const event of events) {
    if (event.type === 'provider-verified') {
      const { claims, tier } = event
      story.detail(
        `before sending: agent ${event.agentId} verified (${tier}), binding ${claims.bindingId}`,
      )
    }
    if (event.type === 'channel-opened') {
      story.detail(`channel ${event.channelId}, ${formatEther(event.amount)} ETH locked`)
    }
    if (event.type === 'receipt-verified') {
      const { receipt } = event.receipt
      story.detail(
        `after: receipt over the bytes held, ${receipt.inputTokens} tokens in, ${receipt.outputTokens} out, fee ${event.fee} wei`,
      )
    }
  }
  const count = (type: SdkEvent['type']): number =>
    events.filter((event) => event.type === type).length
  assert.equal(count('provider-verified'), 1)
  assert.equal(count('channel-opened'), 1)
  assert.equal(count('receipt-verified'), 2)
}

/** One bit of an answer is changed on the way; the client must not believe it. */
export async function flipOneBit(
  story: Story,
  openai: OpenAI,
  middle: TamperingProxy,
  model: string,
): Promise<void> {
  middle.flipOneBit()
  const refusal = await askOne(story, openai, model).then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.equal(middle.tampered(), 1, 'the bit was flipped')
  assert(refusal instanceof NotVerified, `expected NotVerified, got ${String(refusal)}`)
  assert.deepEqual(refusal.failedChecks, ['receipt-present'])
  story.step('the SDK throws NotVerified', `failed check: ${refusal.failedChecks.join(', ')}`)
  story.detail(refusal.message)
}

import { createFetch, type ClientOptions, type SdkEvent } from '@jeju/sdk'
import OpenAI from 'openai'
import { clientOf } from '../../../demo/network/client.ts'
import type { GatewayProcess } from '../../../demo/network/gateway.ts'
import type { Network } from '../../../demo/network/network.ts'

export const QUESTION = 'What is remote attestation?'

/** The OpenAI client of somebody with a wallet, and what the SDK's fetch below it tells. */
export function openaiOf(
  network: Network,
  gateway: GatewayProcess,
  walletIndex: number,
  changes: Partial<ClientOptions> = {},
): { readonly openai: OpenAI; readonly events: SdkEvent[] } {
  const events: SdkEvent[] = []
  const fetch = createFetch({
    ...clientOf(network, gateway, walletIndex),
    onEvent: (event) => void events.push(event),
    ...changes,
  })
  const openai = new OpenAI({ apiKey: 'none', baseURL: `${gateway.url}/v1`, fetch, maxRetries: 0 })
  return { openai, events }
}

/** A question to the network's model in so many tokens at most. */
export function questionOf(
  { model }: Network,
  content = QUESTION,
  maxTokens = 60,
): OpenAI.ChatCompletionCreateParamsNonStreaming {
  const messages = [{ role: 'user' as const, content }]
  return { model: model.descriptor.id, messages, max_tokens: maxTokens }
}

/** The text of the answer to a question; empty where there is none. */
export async function answerTo(
  openai: OpenAI,
  question: OpenAI.ChatCompletionCreateParamsNonStreaming,
): Promise<string> {
  const answer = await openai.chat.completions.create(question)
  return answer.choices[0]?.message.content ?? ''
}

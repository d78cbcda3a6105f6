import type { JsonValue } from '@jeju/verifier/protocol'
import type { TokenLogprob, TokenProbability } from '../../engine/engine.ts'

/** `logprobs` of a chat choice. */
export function logprobsContent(logprobs: readonly TokenLogprob[]): JsonValue {
  return {
    content: logprobs.map((token) => ({ ...entry(token), top_logprobs: token.top.map(entry) })),
    refusal: null,
  }
}

/** A token's text; what is no whole character shows as U+FFFD, and `bytes` say the rest. */
export function tokenText({ bytes }: TokenProbability): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

function entry(token: TokenProbability): { readonly [name: string]: JsonValue } {
  return { token: tokenText(token), logprob: token.logprob, bytes: [...token.bytes] }
}

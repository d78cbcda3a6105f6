import {
  authDigest,
  encodeAuthorization,
  randomBytes32,
  requestHash,
  signDigest,
  toHex,
  utf8,
  type Hex,
} from '@jeju/verifier/protocol'
import { servingDomain } from '../../test/gateway/network/deployment.ts'
import { signedHeaders, streamEnd } from '../../test/gateway/network/signed-answer.ts'
import type { TestNode } from '../../test/gateway/network/test-node.ts'
import type { BenchAnswer, BenchExchange, BenchPrompt } from './messages.ts'

/** Signs for the bench's channel. */
export const SESSION_KEY: Uint8Array = new Uint8Array(32).fill(0x77)

/** Authorisations of each kind, asked in turns. */
const PROMPTS = 64
const FRAMES = 24
const PATH = '/v1/chat/completions'

/** The channel that pays for a binding. */
export function channelOf(bindingId: Hex): Hex {
  return `0x${bindingId.slice(4)}c1`
}

/** Prompts that the node's user signed, and what the node signed for each. */
export function exchangeOf(node: TestNode): BenchExchange {
  const answers: Record<string, BenchAnswer> = {}
  const prompts = (isStream: boolean): readonly BenchPrompt[] =>
    Array.from({ length: PROMPTS }, (_, at) => {
      const prompt = promptFor(node.bindingId, BigInt(at + (isStream ? PROMPTS : 0)), isStream)
      const asked = { headers: { 'compute-authorization': prompt.authorization } }
      answers[prompt.authorization] = isStream ? streamOf(node, asked) : jsonOf(node, asked)
      return prompt
    })
  return { json: prompts(false), stream: prompts(true), answers }
}

function promptFor(bindingId: Hex, nonce: bigint, isStream: boolean): BenchPrompt {
  const content = 'What is remote attestation? '.repeat(20)
  const messages = [{ role: 'user', content }]
  const body = JSON.stringify({ model: 'enclave-mini', messages, stream: isStream })
  const salt = toHex(randomBytes32())
  const auth = {
    channelId: channelOf(bindingId),
    nonce,
    bindingId,
    requestHash: requestHash(salt, 'POST', PATH, utf8(body)),
    maxFee: 1_000_000n,
    validUntil: BigInt(Math.floor(Date.now() / 1000) + 3_600),
  }
  const signature = signDigest(authDigest(auth, servingDomain), SESSION_KEY)
  return { authorization: encodeAuthorization({ auth, salt, signature }), body }
}

type Asked = Parameters<typeof signedHeaders>[1]

function jsonOf(node: TestNode, asked: Asked): BenchAnswer {
  const content = 'It proves which code runs where. '.repeat(20)
  const message = { role: 'assistant', content }
  const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 }
  const body = JSON.stringify({ id: 'chatcmpl-1', choices: [{ index: 0, message }], usage })
  const headers = {
    ...signedHeaders(node, asked, utf8(body)),
    'content-length': String(body.length),
  }
  return { headers, pieces: [body] }
}

function streamOf(node: TestNode, asked: Asked): BenchAnswer {
  const frames = Array.from({ length: FRAMES }, (_, at) => {
    const choices = [{ index: 0, delta: { content: ` word ${at}` }, finish_reason: null }]
    const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, choices }
    return `data: ${JSON.stringify({ ...chunk, model: 'enclave-mini' })}\n\n`
  })
  const end = streamEnd(node, asked, frames.join(''))
  return { headers: { 'content-type': 'text/event-stream' }, pieces: [...frames, end] }
}

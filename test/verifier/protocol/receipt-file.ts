import {
  authDigest,
  createResponseHasher,
  DONE_FRAME,
  encodeAuthorization,
  encodeComputeReceipt,
  receiptFrame,
  requestHash,
  toBase64Url,
  utf8,
  type Hex,
} from '@jeju/verifier/protocol'
import { keysetText, sampleReceipt, serving, signer } from './samples.ts'

export const salt: Hex = `0x${'aa'.repeat(32)}`
export const bindingId: Hex = `0x${'b1'.repeat(32)}`
export const request = utf8('{"model":"enclave-mini","messages":[]}')
export const auth = {
  channelId: `0x${'c1'.repeat(32)}`,
  nonce: 5n,
  bindingId,
  requestHash: requestHash(salt, 'POST', '/v1/chat/completions', request),
  maxFee: 1_000n,
  validUntil: 1_800_000_600n,
} as const

function hashOf(text: string): Hex {
  const hasher = createResponseHasher(salt)
  hasher.update(utf8(text))
  return hasher.digest()
}

export const receiptOver = (text: string): ReturnType<typeof sampleReceipt> =>
  sampleReceipt(authDigest(auth, serving), hashOf(text))

export const answerText = '{"choices":[{"message":{"content":"a proof"}}]}'
export const streamText = 'data: {"choices":[{"delta":{"content":"a proof"}}]}\n\n'
export const frame = new TextDecoder().decode(
  receiptFrame(receiptOver(streamText), { id: 'c', model: 'enclave-mini', created: 1_800_000_000 }),
)
/** A JSON answer as it came. */
export const json = {
  kind: 'json',
  text: answerText,
  receipt: toBase64Url(utf8(encodeComputeReceipt(receiptOver(answerText)))),
}
/** The same as a stream. */
export const stream = { kind: 'stream', text: `${streamText}${frame}${DONE_FRAME}` }

/** The documented file of one answer: what `jeju-verify receipt` and the explorer read. */
export const file = {
  v: 1,
  authorization: encodeAuthorization({ auth, salt, signature: `0x${'00'.repeat(65)}` }),
  requestBytes: request.length,
  answer: json as object,
  serving: { chainId: serving.chainId.toString(), address: serving.verifyingContract },
  binding: { id: bindingId, signer, keyset: keysetText },
  model: { name: 'enclave-mini', id: `0x${'3d'.repeat(32)}` },
  price: { version: 1, inPerMTok: '2000000', outPerMTok: '6000000', maxOutputTokens: 100 },
  receivedAt: 1_800_000_001,
}

import { describe, expect, test } from 'vitest'
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
import { keysetText, sampleReceipt, serving, signer } from '../protocol/samples.ts'
import { fileOf, jsonLines, runCli, runHere } from './run-cli.ts'

/** The documented file of one answer. */

const salt: Hex = `0x${'aa'.repeat(32)}`
const bindingId: Hex = `0x${'b1'.repeat(32)}`
const request = utf8('{"model":"enclave-mini","messages":[]}')
const auth = {
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

const receiptOver = (text: string): ReturnType<typeof sampleReceipt> =>
  sampleReceipt(authDigest(auth, serving), hashOf(text))

const answerText = '{"choices":[{"message":{"content":"a proof"}}]}'
const streamText = 'data: {"choices":[{"delta":{"content":"a proof"}}]}\n\n'
const frame = new TextDecoder().decode(
  receiptFrame(receiptOver(streamText), { id: 'c', model: 'enclave-mini', created: 1_800_000_000 }),
)
const json = {
  kind: 'json',
  text: answerText,
  receipt: toBase64Url(utf8(encodeComputeReceipt(receiptOver(answerText)))),
}
const stream = { kind: 'stream', text: `${streamText}${frame}${DONE_FRAME}` }

const file = {
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

const judge = async (
  content: object,
): Promise<readonly [number | null, Record<string, unknown> | undefined]> => {
  const path = fileOf('answer.json', JSON.stringify(content))
  const { code, stdout } = await runHere(['receipt', '--json', path])
  return [code, jsonLines(stdout)[0]]
}

describe('receipt', () => {
  test.each([
    ['a JSON answer', { ...json, usage: { inputTokens: 12, outputTokens: 20 } }],
    [
      'its bytes',
      { kind: 'json', bytes: Buffer.from(answerText).toString('base64'), receipt: json.receipt },
    ],
    ['a stream', stream],
  ])('%s as it came is accepted, with its fee', async (_name, answer) => {
    const [code, found] = await judge({ ...file, answer })
    expect(code).toBe(0)
    expect(found).toMatchObject({ verdict: 'accepted', code: null, fee: '144' })
  })

  test.each([
    [
      'E14 another text',
      { ...json, text: answerText.replace('a proof', 'a claim') },
      'receipt-response',
    ],
    ['E15 no receipt', { kind: 'json', text: answerText }, 'receipt-present'],
    ['E15 a receipt that is none', { ...json, receipt: 'AA' }, 'receipt-present'],
    ['a stream cut short', { ...stream, text: streamText }, 'receipt-present'],
    ['other counts', { ...json, usage: { inputTokens: 12, outputTokens: 21 } }, 'receipt-usage'],
  ])('%s is rejected by name', async (_name, answer, check) => {
    const [code, found] = await judge({ ...file, answer })
    expect(code).toBe(10)
    expect(found).toMatchObject({ verdict: 'rejected', code: check, fee: null })
  })

  test('a file of another form is malformed', async () => {
    for (const content of [
      { ...file, v: 2 },
      { ...file, price: undefined },
      { ...file, comment: 'x' },
      { ...file, answer: { ...json, bytes: '00' } },
      { ...file, answer: { ...stream, receipt: json.receipt } },
    ]) {
      const [code, found] = await judge(content)
      expect(code).toBe(30)
      expect(found).toMatchObject({ verdict: 'malformed', code: 'INPUT_FIELD' })
    }
  })

  test('for people, and as of another time', async () => {
    const path = fileOf('answer.json', JSON.stringify(file))
    const { code, stdout } = await runCli(['receipt', '--at', '2027-01-01T00:00:00Z', path])
    expect(code).toBe(10)
    expect(stdout).toMatch(/FAILED +receipt-time.*\n.*expected {2}issued no later than/)
  })
})

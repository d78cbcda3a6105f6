import { verifyReceipt, type ReceiptReport } from '@jeju/verifier'
import {
  encodeComputeReceipt,
  FINISH_CODES,
  utf8,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { objections } from '../check-names.ts'
import { expectationOf } from './setting/expected-receipt.ts'
import { cleanUp, startNode, until, type Running } from './setting/start-node.ts'
import { chatBody, readStreamAnswer } from './setting/test-client.ts'

afterAll(cleanUp)

const STREAM = chatBody({ stream: true, stream_options: { include_usage: true } })

type Streamed = Awaited<ReturnType<typeof readStreamAnswer>>

async function judge(
  running: Running,
  signed: SignedRequestAuth,
  { receipt, responseHash, covered }: Streamed,
): Promise<ReceiptReport> {
  const { inputTokens, outputTokens } = receipt.receipt
  return verifyReceipt(
    {
      receipt: { text: encodeComputeReceipt(receipt) },
      responseHash,
      responseBytes: utf8(covered).length,
      statedUsage: { inputTokens, outputTokens },
    },
    await expectationOf(running, signed, STREAM),
  )
}

describe('the receipt of a stream', () => {
  test('E17 receipt_commits_to_bytes: the verifier accepts it, for the bytes and the request it is for', async () => {
    const running = await startNode()
    const { client, fetch } = running
    const signed = client.sign(STREAM)
    const streamed = await readStreamAnswer(
      await fetch(client.request(STREAM, signed)),
      signed.salt,
    )
    const report = await judge(running, signed, streamed)
    expect(objections(report)).toEqual([])
    expect(report.verdict).toMatchObject({ outcome: 'verified', fee: 40n })
    const otherBytes = { ...streamed, responseHash: signed.auth.requestHash }
    expect(objections(await judge(running, signed, otherBytes))).toEqual(['receipt-response'])
    const otherRequest = client.sign(STREAM)
    expect(objections(await judge(running, otherRequest, streamed))).toEqual([
      'receipt-authorisation',
    ])
  })

  test('E4 abort_has_receipt: an answer that the node had to cut verifies too, and says so', async () => {
    const running = await startNode({ config: { drainMs: 10 } })
    const { client, fetch, engine, node } = running
    engine.holdAt = 3
    const signed = client.sign(STREAM)
    const reading = readStreamAnswer(await fetch(client.request(STREAM, signed)), signed.salt)
    await until(() => engine.handedOut === 3)
    await node.drain()
    const streamed = await reading
    const report = await judge(running, signed, streamed)
    expect(objections(report)).toEqual([])
    expect(report.verdict).toMatchObject({ outcome: 'verified', fee: 28n })
    expect(streamed.receipt.receipt.finish).toBe(FINISH_CODES.aborted)
  })

  test('E4 an answer that outlives its authorisation has a receipt of its last second', async () => {
    const running = await startNode()
    const { client, fetch, engine, clock, chain } = running
    engine.holdAt = 3
    const signed = client.sign(STREAM, { validUntil: chain.now() + 60n })
    const reading = readStreamAnswer(await fetch(client.request(STREAM, signed)), signed.salt)
    await until(() => engine.handedOut === 3)
    clock.pass(120)
    engine.release()
    const streamed = await reading
    expect(streamed.receipt.receipt.issuedAt).toBe(signed.auth.validUntil)
    expect(objections(await judge(running, signed, streamed))).toEqual([])
  })
})

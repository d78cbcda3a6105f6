import type { ReceiptExpectation } from '@jeju/verifier'
import {
  decodeEvidence,
  modelIdOf,
  parseKeyset,
  utf8,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { servingDomain } from './deployment.ts'
import { MODEL } from './scripted-engine.ts'
import type { Running } from './start-node.ts'
import { PRICE } from './test-chain.ts'

/** What a client that fetched this node's evidence expects of the receipt for its own request. */
export async function expectationOf(
  { get, engine }: Running,
  signed: SignedRequestAuth,
  body: string,
): Promise<ReceiptExpectation> {
  const answer = await get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
  const { statement, keyset } = decodeEvidence(new Uint8Array(await answer.arrayBuffer()))
  return {
    signed,
    serving: servingDomain,
    binding: {
      bindingId: signed.auth.bindingId,
      signer: statement.signer,
      keysetDigest: statement.keysetDigest,
      keyset: parseKeyset(keyset),
    },
    model: MODEL,
    modelId: modelIdOf(engine.descriptor),
    price: { ...PRICE, version: 1 },
    requestBytes: utf8(body).length,
    at: new Date(),
  }
}

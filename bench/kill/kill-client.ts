import { createLedger } from '@jeju/sdk'
import {
  addressOf,
  authDigest,
  AUTHORIZATION_HEADER,
  encodeAuthorization,
  MAX_AUTH_LIFE_S,
  parseComputeReceipt,
  randomBytes32,
  requestHash,
  signDigest,
  toHex,
  utf8,
  type Hex,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import type { Network } from '../../demo/network/network.ts'
import type { DevnetProvider } from '../../demo/network/operator.ts'
import { receiptKey } from './read-books.ts'

/** One request, and how far its answer came. */
export interface Asked {
  readonly signed: SignedRequestAuth
  readonly authHash: Hex
  /** The first bytes of an answer were read. */
  begun: boolean
  /** The receipt, where it was read. */
  receipt: string | undefined
}

/** A user who asks a node directly, and notes what was read until it died. */
export interface KillClient {
  /** Whether the node takes what is signed now: not before its start is past (docs/protocol.md §5). */
  isTaken(): Promise<boolean>
  sign(): Asked
  /** Reads the answer until it ends or breaks. */
  ask(asked: Asked): Promise<void>
  /** Sends the very same request again; whether it is answered. */
  isAnswered(asked: Asked): Promise<boolean>
  /** Wei the channel has paid. */
  spent(): Promise<bigint>
}

const PATH = '/v1/chat/completions'
const CHANNEL_WEI = 10n ** 17n
const USER_INDEX = 5

/** Opens a channel for the provider's service. */
export async function openKillClient(
  network: Network,
  { agentId, bindingId, machine }: DevnetProvider,
): Promise<KillClient> {
  const { deployment } = network.chain
  const ledger = createLedger({ wallet: network.wallet(USER_INDEX), deployment })
  const sessionKey = randomBytes32()
  await ledger.deposit(CHANNEL_WEI)
  const { channelId } = await ledger.openChannel({
    agentId,
    serviceId: 0,
    priceVersion: 1,
    amount: CHANNEL_WEI,
    sessionKey: addressOf(sessionKey),
  })
  const serving = {
    chainId: BigInt(deployment.chainId),
    verifyingContract: deployment.inferenceServing,
  }
  const body = JSON.stringify({
    model: network.model.descriptor.id,
    messages: [{ role: 'user', content: 'What is remote attestation?' }],
    stream: true,
    max_tokens: 96,
  })
  const sign = (text: string): Asked => {
    const salt = toHex(randomBytes32())
    const auth = {
      channelId,
      nonce: BigInt(toHex(randomBytes32())),
      bindingId,
      requestHash: requestHash(salt, 'POST', PATH, utf8(text)),
      maxFee: 10n ** 13n,
      validUntil: BigInt(Math.floor(Date.now() / 1000)) + MAX_AUTH_LIFE_S,
    }
    const authHash = authDigest(auth, serving)
    const signed = { auth, salt, signature: signDigest(authHash, sessionKey) }
    return { signed, authHash, begun: false, receipt: undefined }
  }
  const send = ({ signed }: Asked): Promise<Response> =>
    fetch(`${machine.url}${PATH}`, {
      method: 'POST',
      body,
      headers: { [AUTHORIZATION_HEADER]: encodeAuthorization(signed) },
    })
  return {
    isTaken: async () => {
      // Signed for other bytes, so that it is refused in either case, and for which reason tells.
      const response = await send(sign('another'))
      await response.body?.cancel()
      return response.status !== 503
    },
    sign: () => sign(body),
    ask: async (asked) => {
      let text = ''
      try {
        const response = await send(asked)
        if (response.status !== 200) return
        const decoder = new TextDecoder()
        for await (const chunk of response.body ?? []) {
          asked.begun = true
          text += decoder.decode(chunk as Uint8Array, { stream: true })
        }
      } catch {
        // The node is dead; what was read until then counts.
      }
      asked.receipt = receiptIn(text)
    },
    isAnswered: async (asked) => {
      const response = await send(asked)
      await response.body?.cancel()
      return response.status === 200
    },
    spent: async () => (await ledger.channelOf(channelId)).spent,
  }
}

function receiptIn(text: string): string | undefined {
  const data = /^event: receipt\ndata: (.+)$/m.exec(text)?.[1]
  if (data === undefined) return undefined
  const { receipt } = JSON.parse(data) as { receipt: unknown }
  const { receipt: signed, receiptSignature } = parseComputeReceipt(JSON.stringify(receipt))
  return receiptKey({ ...signed, signature: receiptSignature })
}

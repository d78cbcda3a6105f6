import { launchTd, strippedLog, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import {
  addressOf,
  authDigest,
  bindingIdOf,
  createResponseHasher,
  deviceIdentityOf,
  documentDigest,
  encodeComputeReceipt,
  encodeEvidence,
  encodeGpuEvidence,
  FINISH_CODES,
  gpuDevicesDigest,
  gpuNonce,
  modelIdOf,
  parseAuthorization,
  randomBytes32,
  receiptFrame,
  recoverAddress,
  reportData,
  requestHash,
  sha256,
  signComputeReceipt,
  toBareHex,
  toBase64Url,
  toHex,
  utf8,
  ZERO_DIGEST,
  type ComputeReceipt,
  type Freshness,
  type Hex,
  type ModelDescriptor,
  type NodeStatement,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import type { SimulatedGpus } from '@jeju/simulator/gpu'
import type { SealingSuite } from '@jeju/verifier/sealing'
import { createExchange, type ExchangeWire } from '../../../enclave/src/exchange/exchange.ts'
import type { SealingKeyPair } from '../../../enclave/src/keys/node-keys.ts'
import { createUnsealer, type Unsealer } from '../../../enclave/src/sealing/unsealer.ts'
import { documentsOf, sealingPairOf } from './node-documents.ts'
import { registryDomain, servingDomain } from './deployment.ts'
import type { TestChain } from './test-chain.ts'
import { kmsChainOf, signerKeyOf } from '../../simulated-trust.ts'

/** An answer as it goes over the wire. */
export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly chunks: readonly Uint8Array[]
}

export interface NodeOptions {
  readonly agentId?: bigint
  readonly operator?: Hex
  readonly model?: string
  readonly weightsState?: 'measured' | 'declared'
  readonly td?: SimulatedTd
  /** Wei per million tokens, both ways. */
  readonly price?: bigint
  /** Keys for sealed bodies that the keyset lists; none unless set. */
  readonly sealing?: readonly SealingSuite[]
  /** Of the weights; `none` unless set. */
  readonly quantization?: string
  /** Devices of the machine; a CPU-only node without them. */
  readonly gpus?: SimulatedGpus
}

const COMPOSE = utf8('{"docker_compose_file":"services: {}","runner":"docker-compose"}')
const MODEL = 'enclave-mini'
const WORDS = ['Ja', ', ', 'gern', '. ', 'Grüße', ' aus ', 'dem ', 'TD', '!']
const INPUT_TOKENS = 12

/** A node that speaks docs/protocol.md §5–§7 with real keys and a simulated TD; the engine says fixed words. */
export class TestNode {
  readonly agentId: bigint
  readonly operator: Hex
  readonly serviceId = 0
  readonly model: string
  readonly descriptor: ModelDescriptor
  readonly statement: NodeStatement
  readonly bindingId: Hex
  readonly td: SimulatedTd
  readonly signerKey: Uint8Array
  readonly receiptKey: Uint8Array = randomBytes32()
  readonly price: bigint
  readonly #gpus: SimulatedGpus | undefined
  readonly #sealing: readonly SealingKeyPair[]
  readonly #unsealer: Unsealer
  readonly #documents: {
    readonly keyset: string
    readonly catalog: string
    readonly posture: string
  }
  readonly #seen = new Set<Hex>()

  constructor(platform: SimulatedPlatform, options: NodeOptions = {}) {
    const { agentId = 0n, model = MODEL, weightsState = 'measured', price = 1_000_000n } = options
    this.agentId = agentId
    this.operator = options.operator ?? toHex(randomBytes32().slice(0, 20))
    this.model = model
    this.price = price
    this.td = options.td ?? launchTd(platform, { appCompose: COMPOSE })
    this.signerKey = signerKeyOf(this.td)
    this.descriptor = {
      id: model,
      weights_sha256: documentDigest('weights'),
      state: weightsState,
      engine: 'words/1',
      quantization: options.quantization ?? 'none',
      adapters: [],
      chat_template_sha256: documentDigest('template'),
      context_tokens: 2048,
    }
    this.#gpus = options.gpus
    this.#sealing = (options.sealing ?? []).map(sealingPairOf)
    this.#unsealer = createUnsealer(this.#sealing)
    this.#documents = documentsOf(this.descriptor, this.receiptKey, this.#sealing)
    const { keyset, catalog, posture } = this.#documents
    this.statement = {
      agentId,
      operator: this.operator,
      signer: addressOf(this.signerKey),
      keysetDigest: documentDigest(keyset),
      modelCatalogDigest: documentDigest(catalog),
      postureDigest: documentDigest(posture),
      gpuDevicesDigest: options.gpus === undefined ? ZERO_DIGEST : devicesDigestOf(options.gpus),
      instanceId: `0x${'00'.repeat(12)}${toBareHex(this.td.instanceId)}`,
    }
    this.bindingId = bindingIdOf(this.statement, registryDomain)
  }

  /** Registers agent, service and binding as the operator and the node would. */
  register(chain: TestChain): this {
    const { agentId, operator, bindingId, serviceId, model, price } = this
    chain.providers.set(agentId, { active: true, owner: operator })
    const service = {
      serviceId,
      modelId: modelIdOf(this.descriptor),
      modelName: model,
      active: true,
      price: { version: 1, inPerMTok: price, outPerMTok: price, maxOutputTokens: 256 },
    }
    chain.offers.set(agentId, [service])
    chain.bindings.set(bindingId, { valid: true, agentId, signer: this.statement.signer })
    return this
  }

  async evidence(nonce: Hex): Promise<Uint8Array<ArrayBuffer>> {
    const freshness: Freshness = { kind: 'challenge', nonce }
    const devices = this.#gpus?.evidence(gpuNonce(this.bindingId, freshness))
    const gpuEvidence = devices === undefined ? undefined : encodeGpuEvidence(devices)
    const digest = gpuEvidence === undefined ? ZERO_DIGEST : toHex(sha256(gpuEvidence))
    return encodeEvidence({
      statement: this.statement,
      quote: await this.td.quote(reportData(this.bindingId, freshness, digest)),
      ...(gpuEvidence === undefined ? {} : { gpuEvidence }),
      eventLog: JSON.stringify(strippedLog(this.td.events())),
      appCompose: this.td.appCompose,
      vmConfig: this.td.vmConfig,
      kmsChain: kmsChainOf(this.td),
      ...this.#documents,
    })
  }

  /** `POST /v1/chat/completions`, with the refusals of docs/protocol.md §5. */
  complete(body: Uint8Array, header: string | null, chain: TestChain): WireAnswer {
    return this.answer(createExchange(new Uint8Array(body)), header, chain)
  }

  /** The same for a body that may be sealed, and an answer that then is. */
  async completeSealed(body: Uint8Array, headers: Headers, chain: TestChain): Promise<WireAnswer> {
    const encapsulated = headers.get('ehbp-encapsulated-key')
    const sent = new Uint8Array(body)
    const opened = encapsulated === null ? undefined : await this.#unsealer.open(encapsulated, sent)
    const exchange = createExchange(sent, opened)
    const answer = this.answer(exchange, headers.get('compute-authorization'), chain)
    const { sealer } = exchange
    if (sealer === undefined) return answer
    return {
      status: answer.status,
      headers: { ...answer.headers, 'ehbp-response-nonce': toBareHex(sealer.nonce) },
      chunks: answer.chunks.map((chunk) => exchange.send(chunk)),
    }
  }

  answer(exchange: ExchangeWire, header: string | null, chain: TestChain): WireAnswer {
    if (header === null) return refusal(401, 'authorization_missing')
    const signed = parseAuthorization(header)
    const code = this.#objection(signed, exchange.sent, chain)
    if (code !== undefined) return refusal(code === 'authorization_used' ? 409 : 403, code)
    const text = new TextDecoder().decode(exchange.body)
    const { stream = false }: { stream?: boolean } = JSON.parse(text)
    return stream ? this.#stream(signed, exchange) : this.#json(signed, exchange)
  }

  receipt(
    signed: SignedRequestAuth,
    covered: readonly Uint8Array[],
    exchange?: ExchangeWire,
  ): ComputeReceipt {
    const hasher = createResponseHasher(signed.salt)
    for (const chunk of covered) hasher.update(exchange?.cover(chunk) ?? chunk)
    const { signerKey, receiptKey } = this
    return signComputeReceipt(
      {
        bindingId: this.bindingId,
        keysetDigest: this.statement.keysetDigest,
        model: this.model,
        modelId: modelIdOf(this.descriptor),
        priceVersion: 1,
        receipt: {
          authHash: authDigest(signed.auth, servingDomain),
          responseHash: hasher.digest(),
          inputTokens: INPUT_TOKENS,
          outputTokens: WORDS.length,
          finish: FINISH_CODES.stop,
          issuedAt: BigInt(Math.floor(Date.now() / 1000)),
        },
      },
      { serving: servingDomain, signerKey, keyId: 'receipt-1', receiptKey },
    )
  }

  #objection(signed: SignedRequestAuth, body: Uint8Array, chain: TestChain): string | undefined {
    const { auth, salt, signature } = signed
    const channel = chain.channels.get(auth.channelId)
    if (channel?.state !== 'OPEN' || channel.agentId !== this.agentId) return 'channel_not_usable'
    const digest = authDigest(auth, servingDomain)
    if (recoverAddress(digest, signature) !== channel.sessionKey) return 'signature_not_of_channel'
    if (auth.bindingId !== this.bindingId) return 'binding_not_ours'
    const expected = requestHash(salt, 'POST', '/v1/chat/completions', body)
    if (auth.requestHash !== expected) return 'request_hash_mismatch'
    if (auth.maxFee > channel.locked - channel.spent) return 'channel_underfunded'
    if (this.#seen.has(digest)) return 'authorization_used'
    this.#seen.add(digest)
    return undefined
  }

  #json(signed: SignedRequestAuth, exchange: ExchangeWire): WireAnswer {
    const body = utf8(
      JSON.stringify({
        id: 'chatcmpl-1',
        object: 'chat.completion',
        created: 1,
        model: this.model,
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: WORDS.join('') },
            finish_reason: 'stop',
          },
        ],
        usage: usage(),
      }),
    )
    const receipt = receiptHeader(this.receipt(signed, [body], exchange))
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'compute-receipt': receipt },
      chunks: [body],
    }
  }

  #stream(signed: SignedRequestAuth, exchange: ExchangeWire): WireAnswer {
    const chunk = {
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: this.model,
    }
    const frame = (data: object): Uint8Array => utf8(`data: ${JSON.stringify(data)}\n\n`)
    const covered = [
      ...WORDS.map((content) =>
        frame({ ...chunk, choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
      ),
      frame({ ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
      frame({ ...chunk, choices: [], usage: usage() }),
    ]
    return {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      chunks: [
        ...covered,
        receiptFrame(this.receipt(signed, covered, exchange), chunk),
        utf8('data: [DONE]\n\n'),
      ],
    }
  }
}

/** Value of the header of docs/protocol.md §6. */
export function receiptHeader(receipt: ComputeReceipt): string {
  return toBase64Url(utf8(encodeComputeReceipt(receipt)))
}

export const ANSWER_TEXT = WORDS.join('')

function usage(): object {
  return {
    prompt_tokens: INPUT_TOKENS,
    completion_tokens: WORDS.length,
    total_tokens: INPUT_TOKENS + WORDS.length,
  }
}

export function refusal(status: number, code: string): WireAnswer {
  const body = JSON.stringify({ error: { message: code, type: 'server_error', code, param: null } })
  return { status, headers: { 'content-type': 'application/json' }, chunks: [utf8(body)] }
}

function devicesDigestOf(gpus: SimulatedGpus): Hex {
  const { devices } = gpus.evidence(new Uint8Array(32))
  return gpuDevicesDigest(devices.map(({ certificates }) => deviceIdentityOf(certificates)))
}

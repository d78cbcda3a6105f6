import { launchTd, strippedLog, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import type { SimulatedGpus } from '@jeju/simulator/gpu'
import {
  addressOf,
  bindingIdOf,
  canonicalJson,
  documentDigest,
  ed25519PublicKey,
  deviceIdentityOf,
  encodeEvidence,
  encodeGpuEvidence,
  gpuDevicesDigest,
  gpuNonce,
  modelIdOf,
  randomBytes32,
  reportData,
  sha256,
  toBareHex,
  toHex,
  utf8,
  ZERO_DIGEST,
  type ComputeReceiptContent,
  type ContractDomain,
  type Hex,
  type ModelDescriptor,
  type NodeStatement,
  type Posture,
} from '@jeju/verifier/protocol'
import type { ProviderState } from '../../../gateway/src/chain/gateway-chain.ts'
import { registryDomain } from './deployment.ts'
import { kmsChainOf, signerKeyOf } from '../../simulated-trust.ts'

export interface NodeOptions {
  readonly agentId?: bigint
  readonly operator?: Hex
  readonly model?: string
  /** Name under which the service is offered on chain; the model's own unless given. */
  readonly offeredAs?: string
  readonly td?: SimulatedTd
  /** Where it is registered; contracts that are on no chain unless given. */
  readonly registry?: ContractDomain
  /** Wei. */
  readonly stake?: bigint
  readonly gpus?: SimulatedGpus
  /** Unix seconds. */
  readonly keysetNotAfter?: number
  /** Whether TLS ends in it. */
  readonly tls?: boolean
  /** Origin; an https one of its own unless given. */
  readonly endpoint?: string
  /** Weakest form in which it takes prompts; what its TLS makes it unless given. */
  readonly prompts?: Posture['request_confidentiality']
}

export const COMPOSE: Uint8Array = utf8('{"docker_compose_file":"services: {}","name":"node"}')

/** Who a node is and its evidence: real keys, real documents, a simulated TD. */
export class TestNode {
  readonly agentId: bigint
  readonly operator: Hex
  readonly endpoint: string
  readonly statement: NodeStatement
  readonly bindingId: Hex
  readonly td: SimulatedTd
  readonly signerKey: Uint8Array
  readonly model: ModelDescriptor
  readonly #offeredAs: string
  readonly #stake: bigint
  readonly #gpus: SimulatedGpus | undefined
  readonly #receiptKey = randomBytes32()
  readonly #documents: ReturnType<typeof documentsOf>

  constructor(platform: SimulatedPlatform, options: NodeOptions = {}) {
    const { agentId = 0n, model = 'enclave-mini' } = options
    this.agentId = agentId
    this.operator = options.operator ?? toHex(randomBytes32().slice(0, 20))
    this.endpoint = options.endpoint ?? `https://node-${agentId}.test`
    this.td = options.td ?? launchTd(platform, { appCompose: COMPOSE })
    this.signerKey = signerKeyOf(this.td)
    this.model = descriptorOf(model)
    this.#offeredAs = options.offeredAs ?? model
    this.#stake = options.stake ?? 10n ** 17n
    this.#gpus = options.gpus
    const monthAhead = Math.floor(Date.now() / 1000) + 30 * 24 * 3600
    const { tls = false, keysetNotAfter: notAfter = monthAhead } = options
    this.#documents = documentsOf({
      model: this.model,
      notAfter,
      receiptKey: this.#receiptKey,
      tls,
      prompts: options.prompts ?? (tls ? 'tls' : 'plaintext'),
    })
    this.statement = {
      agentId,
      operator: this.operator,
      signer: addressOf(this.signerKey),
      keysetDigest: documentDigest(this.#documents.keyset),
      modelCatalogDigest: documentDigest(this.#documents.catalog),
      postureDigest: documentDigest(this.#documents.posture),
      gpuDevicesDigest: devicesDigestOf(options.gpus),
      instanceId: `0x${'00'.repeat(12)}${toBareHex(this.td.instanceId)}`,
    }
    this.bindingId = bindingIdOf(this.statement, options.registry ?? registryDomain)
  }

  /** The node's row on chain. */
  state(changes: Partial<ProviderState> = {}): ProviderState {
    const price = { version: 1, inPerMTok: 5n, outPerMTok: 7n, maxOutputTokens: 256 }
    const { agentId, operator: owner, endpoint } = this
    const modelId = modelIdOf(this.model)
    const services = [{ serviceId: 0, modelId, modelName: this.#offeredAs, price }]
    const stake = this.#stake
    const row = { agentId, active: true, owner, endpoint, endpointVersion: 1, stake, services }
    return { ...row, ...changes }
  }

  /** What its receipts say beside the counts. */
  get receiptContent(): Omit<ComputeReceiptContent, 'receipt'> {
    return {
      bindingId: this.bindingId,
      keysetDigest: this.statement.keysetDigest,
      model: this.model.id,
      modelId: modelIdOf(this.model),
      priceVersion: 1,
    }
  }

  get receiptKeys(): {
    readonly signerKey: Uint8Array
    readonly keyId: string
    readonly receiptKey: Uint8Array
  } {
    return { signerKey: this.signerKey, keyId: 'receipt-1', receiptKey: this.#receiptKey }
  }

  async evidence(nonce: Hex): Promise<Uint8Array<ArrayBuffer>> {
    const freshness = { kind: 'challenge', nonce } as const
    const gpuEvidence =
      this.#gpus && encodeGpuEvidence(this.#gpus.evidence(gpuNonce(this.bindingId, freshness)))
    const digest = gpuEvidence === undefined ? ZERO_DIGEST : toHex(sha256(gpuEvidence))
    return encodeEvidence({
      statement: this.statement,
      quote: await this.td.quote(reportData(this.bindingId, freshness, digest)),
      eventLog: JSON.stringify(strippedLog(this.td.events())),
      appCompose: this.td.appCompose,
      vmConfig: this.td.vmConfig,
      kmsChain: kmsChainOf(this.td),
      ...this.#documents,
      ...(gpuEvidence === undefined ? {} : { gpuEvidence }),
    })
  }
}

function devicesDigestOf(gpus: SimulatedGpus | undefined): Hex {
  if (gpus === undefined) return ZERO_DIGEST
  const { devices } = gpus.evidence(randomBytes32())
  return gpuDevicesDigest(devices.map(({ certificates }) => deviceIdentityOf(certificates)))
}

function descriptorOf(id: string): ModelDescriptor {
  return {
    id,
    weights_sha256: documentDigest('weights'),
    state: 'measured',
    engine: 'words/1',
    quantization: 'none',
    adapters: [],
    chat_template_sha256: documentDigest('template'),
    context_tokens: 2048,
  }
}

/** What the documents of a node say. */
interface NodeFacts {
  readonly model: ModelDescriptor
  readonly notAfter: number
  readonly receiptKey: Uint8Array
  readonly tls: boolean
  readonly prompts: Posture['request_confidentiality']
}

function documentsOf({ model, notAfter, receiptKey, tls, prompts }: NodeFacts): {
  readonly keyset: string
  readonly catalog: string
  readonly posture: string
} {
  const public_key = toBareHex(ed25519PublicKey(receiptKey))
  return {
    keyset: canonicalJson({
      e2ee_public_keys: [],
      not_after: notAfter,
      receipt_signing_keys: [{ algo: 'ed25519', key_id: 'receipt-1', public_key }],
      subject: null,
      tls_public_keys: tls ? [{ spki_sha256: 'ab'.repeat(32) }] : [],
    }),
    catalog: canonicalJson({ models: [{ ...model }], v: 1 }),
    posture: canonicalJson({
      content_logging: 'none',
      egress: [],
      request_confidentiality: prompts,
      tools: 'none',
      v: 1,
    }),
  }
}

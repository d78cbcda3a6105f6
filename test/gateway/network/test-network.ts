import { once } from 'node:events'
import { createServer } from 'node:http'
import { createGateway, type Gateway, type Limits, type SponsorOwnParts } from '@jeju/gateway'
import { createSimulatedPlatform, type SimulatedPlatform } from '@jeju/simulator'
import { simulatedTrustAnchor, type AppraisalPolicy, type GpuTrust } from '@jeju/verifier'
import { nvidiaTrustAnchor } from '@jeju/verifier/gpu'
import {
  addressOf,
  authDigest,
  encodeAuthorization,
  requestHash,
  signDigest,
  utf8,
  type Hex,
  type RequestAuth,
} from '@jeju/verifier/protocol'
import { createNonceSource } from '../../../gateway/src/admission/nonce-source.ts'
import type { ProviderConnection } from '../../../gateway/src/admission/provider-connection.ts'
import { noLedger, type ReceiptLedger } from '../../../gateway/src/ledger/receipt-ledger.ts'
import { createLogger } from '../../../gateway/src/logging.ts'
import type { ProviderDocument } from '../../../gateway/src/routes/provider-document.ts'
import { createEmbeddedState } from '../../../gateway/src/state/embedded-state.ts'
import type { SharedState } from '../../../gateway/src/state/shared-state.ts'
import { openStore } from '../../../gateway/src/store/libsql-store.ts'
import type { GatewayStore } from '../../../gateway/src/store/gateway-store.ts'
import type { ExplorerFile } from '../../../gateway/src/explorer/explorer-files.ts'
import { collateralOf, policyOf } from '../../simulated-trust.ts'
import { deployment, registryDomain, servingDomain } from './deployment.ts'
import type { ChannelMode } from '@jeju/sdk'
import type { ChannelBudget } from '../../../sdk/src/payment/channel-book.ts'
import { TestChannels } from './own-channels.ts'
import { TestChain } from './test-chain.ts'
import { honest, TestConnection, type Responder } from './test-connection.ts'
import { TestNode, type NodeOptions } from './test-node.ts'

/** One simulated machine park for all tests of a file. */
export const platform: SimulatedPlatform = await createSimulatedPlatform({ at: new Date() })

/** Enough for any test that is not about limits. */
export const LIMITS: Limits = {
  wallet: { requestsPerMinute: 10_000, concurrent: 1_000 },
  promptsUnderWay: 1_000,
  leasesPerPlatform: 8,
  failoverAfterMs: 60_000,
}

/** The wallet of all prompts, and the key that signs for its channels. */
export const WALLET: Hex = `0x${'ee'.repeat(20)}`
export const SESSION_KEY: Uint8Array = new Uint8Array(32).fill(0x77)
const BODY = '{"model":"enclave-mini","messages":[]}'

/** What differs from a usual network. */
export interface NetworkOptions {
  readonly policy?: AppraisalPolicy
  readonly connection?: ProviderConnection
  readonly limits?: Partial<Limits>
  readonly store?: GatewayStore
  readonly explorerFiles?: ReadonlyMap<string, ExplorerFile>
  readonly gpu?: GpuTrust
  /** Of one replica among several; the same chain then. */
  readonly shared?: SharedState
  readonly secret?: Uint8Array
  readonly ledger?: ReceiptLedger
  readonly receiptKey?: Uint8Array
  readonly chain?: TestChain
  /** Makes it pay for accounts, or for whoever pays it, out of channels of its own. */
  readonly sponsor?: Omit<SponsorOwnParts, 'channels' | 'wallet'> & {
    readonly budget?: ChannelBudget
    /** How its channels are paid; by receipts when absent. */
    readonly mode?: ChannelMode
  }
}

/** A chain, endpoints, a clock that only tests move, and a gateway over them. */
export class TestNetwork {
  readonly chain: TestChain
  /** Of a gateway that pays. */
  readonly own: TestChannels
  readonly connection: TestConnection = new TestConnection()
  readonly gateway: Gateway
  /** Lines the gateway logged. */
  readonly log: string[] = []
  nowMs: number = Date.now()
  /** Told when a response is over, or its reader has gone. */
  onClose: () => void = () => undefined

  readonly store: GatewayStore
  #origin: Promise<string> | undefined

  constructor(options: NetworkOptions = {}) {
    const { policy, connection, limits, store, gpu, explorerFiles, shared, ledger, sponsor } =
      options
    this.chain = options.chain ?? new TestChain()
    this.store = store ?? openStore(':memory:', 'test')
    const { budget, mode } = sponsor ?? {}
    this.own = new TestChannels(this.chain, this.store.fees, budget, mode)
    const { channels, wallet: payer } = this.own
    const now = (): Date => new Date(this.nowMs)
    const wallet = { ...LIMITS.wallet, ...limits?.wallet }
    const accepted = policy ?? policyOf(new TestNode(platform).td)
    this.gateway = createGateway(
      {
        deployment,
        policy: accepted,
        trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
        pollIntervalMs: 100,
        limits: { ...LIMITS, ...limits },
      },
      {
        chain: this.chain,
        connection: connection ?? this.connection,
        collateral: collateralOf(platform, () => new Date(this.nowMs)),
        gpu,
        store: this.store,
        shared: shared ?? createEmbeddedState(this.store, wallet, now),
        nonces: createNonceSource(options.secret ?? new Uint8Array(32), registryDomain),
        ledger: ledger ?? noLedger,
        ...(options.receiptKey === undefined ? {} : { receiptKey: options.receiptKey }),
        ...(sponsor === undefined ? {} : { sponsor: { ...sponsor, channels, wallet: payer } }),
        explorer: {
          files: explorerFiles ?? new Map(),
          policyText: JSON.stringify(accepted),
          gpuTrustAnchor: nvidiaTrustAnchor(),
          rims: { rimsFor: () => Promise.resolve(new Map()) },
          ocsp: { answersTo: () => Promise.resolve([]) },
        },
        logger: createLogger('info', { write: (line) => void this.log.push(line) }),
        now,
      },
    )
  }

  /** Registers a node on chain; it serves honestly unless told otherwise. */
  add(options: NodeOptions = {}, serve: (node: TestNode) => Responder = honest): TestNode {
    const node = new TestNode(platform, options)
    this.register(node)
    this.connection.at(node.endpoint, serve(node))
    return node
  }

  /** Row, valid binding for a day, and the event that leads to it. */
  register(node: TestNode): void {
    const { agentId, bindingId } = node
    this.chain.head += 1n
    this.chain.events.set(this.chain.head, [agentId])
    this.chain.providers.set(agentId, node.state())
    const validUntil = BigInt(Math.floor(this.nowMs / 1000) + 24 * 3600)
    this.chain.bindings.set(bindingId, { valid: true, agentId, validUntil })
    this.chain.channels.set(channelOf(bindingId), {
      user: WALLET,
      agentId,
      serviceId: 0,
      priceVersion: 1,
      mode: 'receipt',
      state: 'open',
      sessionKey: addressOf(SESSION_KEY),
    })
  }

  update(): Promise<void> {
    return this.gateway.update()
  }

  pass(minutes: number): void {
    this.nowMs += minutes * 60_000
  }

  async providers(): Promise<readonly ProviderDocument[]> {
    const response = await this.gateway.app.request('/v1/providers')
    const { providers }: { providers: readonly ProviderDocument[] } = await response.json()
    return providers
  }

  async only(): Promise<ProviderDocument> {
    const [provider, ...others] = await this.providers()
    if (provider === undefined || others.length > 0) throw new Error('expected one provider')
    return provider
  }

  /** Where the gateway listens; the process does not wait for it. */
  origin(): Promise<string> {
    this.#origin ??= (async () => {
      const server = createServer((request, response) => {
        response.once('close', () => this.onClose())
        this.gateway.listener(request, response)
      })
      server.listen(0, '127.0.0.1').unref()
      await once(server, 'listening')
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('expected a port')
      return `http://127.0.0.1:${address.port}`
    })()
    return this.#origin
  }

  /** Over HTTP, as a client does. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${await this.origin()}${path}`, { redirect: 'manual', ...init })
  }

  /** A prompt with an authorisation for each of the bindings, in this order. */
  async ask(bindings: Hex | readonly Hex[], init: RequestInit = {}): Promise<Response> {
    const { headers, body = BODY, ...others } = init
    const list = typeof bindings === 'string' ? [bindings] : bindings
    const text = typeof body === 'string' ? body : ''
    return this.request('/v1/chat/completions', {
      method: 'POST',
      body,
      ...others,
      headers: {
        'content-type': 'application/json',
        'compute-authorization': list.map((id) => authorizationFor(id, text)).join(', '),
        ...Object.fromEntries(new Headers(headers)),
      },
    })
  }
}

/** The channel that a wallet has with a binding's agent. */
export function channelOf(bindingId: Hex): Hex {
  return `0x${bindingId.slice(4)}c1`
}

/** Signed by the session key for exactly this body. */
export function authorizationFor(
  bindingId: Hex,
  body = BODY,
  changes: Partial<RequestAuth> = {},
  key: Uint8Array = SESSION_KEY,
): string {
  const salt: Hex = `0x${'5a'.repeat(32)}`
  const auth = {
    channelId: channelOf(bindingId),
    nonce: 1n,
    bindingId,
    requestHash: requestHash(salt, 'POST', '/v1/chat/completions', utf8(body)),
    maxFee: 1_000n,
    validUntil: 1_900_000_000n,
    ...changes,
  }
  const signature = signDigest(authDigest(auth, servingDomain), key)
  return encodeAuthorization({ auth, salt, signature })
}

/** Code of an error document. */
export async function codeOf(response: Response): Promise<string> {
  const { error }: { error: { code: string } } = await response.json()
  return error.code
}

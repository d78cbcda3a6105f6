import { nativeSignatures } from '@jeju/verifier/node'
import {
  attestationDigest,
  authDigest,
  bindingIdOf,
  feeOf,
  keccak256,
  MAX_AUTH_LIFE_S,
  receiptDigest,
  SETTLE_WINDOW_S,
  toHex,
  utf8,
  voucherDigest,
  type Hex,
  type SignedVoucher,
} from '@jeju/verifier/protocol'
import {
  ChainError,
  type BindSignerCall,
  type BindingRecord,
  type BindingStatus,
  type Block,
  type Channel,
  type NodeChain,
  type OnchainVerification,
  type Price,
  type ProviderRecord,
  type SettlementItem,
  type SettlementStatus,
} from '../../../enclave/src/chain/node-chain.ts'
import { registryDomain, servingDomain } from './deployment.ts'

// Native: this chain is in the process of the node that is measured (`bench/node`).
const { keccak256: nativeKeccak256, recoverAddress } = nativeSignatures

/** Wei per million tokens, so that a token in costs 2 wei and a token out 6. */
export const PRICE: Price = { inPerMTok: 2_000_000n, outPerMTok: 6_000_000n, maxOutputTokens: 64 }

/** The contracts' rules in memory: what they would refuse is refused, signatures included. */
export class TestChain implements NodeChain {
  now: () => bigint
  readonly providers = new Map<bigint, ProviderRecord>()
  readonly modelIds = new Map<number, Hex>()
  price_: Price = PRICE
  readonly channels = new Map<Hex, Channel>()
  readonly usedNonces = new Set<string>()
  readonly approvals = new Set<Hex>()
  readonly bindings = new Map<
    Hex,
    Omit<BindingRecord, 'evidence' | 'judged'> & { readonly evidenceHash: Hex; signer: Hex }
  >()
  readonly attestations: BindSignerCall[] = []
  readonly settlements: (readonly SettlementItem[])[] = []
  readonly settledVouchers: SignedVoucher[] = []
  /** Session keys that were replaced, and are still good for settlement. */
  readonly replacedKeys = new Set<Hex>()
  /** Calls by method name. */
  readonly calls: string[] = []
  bindingValidityS = 24n * 3600n
  /** What the check of the contracts finds. */
  lookAlike: Error | undefined
  /** Set where evidence is judged here. */
  verification: OnchainVerification | undefined
  /** What today's collateral and allow-list make of bindings that are neither revoked nor expired. */
  standing: BindingStatus = 'active'
  /** While set, every call fails as an unreachable RPC does. */
  down = false
  /** Settlements reach the chain and their answer is lost. */
  losesAnswers = false

  constructor(now: () => Date) {
    this.now = () => BigInt(Math.floor(now().getTime() / 1000))
  }

  checkContracts(): Promise<void> {
    return this.#answer('checkContracts', () => {
      if (this.lookAlike !== undefined) throw this.lookAlike
    })
  }

  recentBlock(): Promise<Block> {
    const timestamp = this.now()
    const hash = toHex(keccak256(utf8(`block ${timestamp}`)))
    return this.#answer('recentBlock', () => ({ number: timestamp, hash, timestamp }))
  }

  provider(agentId: bigint): Promise<ProviderRecord | undefined> {
    return this.#answer('provider', () => this.providers.get(agentId))
  }

  service(_agentId: bigint, serviceId: number): Promise<{ readonly modelId: Hex }> {
    return this.#answer('service', () => {
      const modelId = this.modelIds.get(serviceId)
      if (modelId === undefined) throw new ChainError('CHAIN_REFUSED', 'refused: UnknownService')
      return { modelId }
    })
  }

  price(): Promise<Price> {
    return this.#answer('price', () => this.price_)
  }

  currentPriceVersion(): Promise<number> {
    return this.#answer('currentPriceVersion', () => 1)
  }

  channel(channelId: Hex): Promise<Channel> {
    return this.#answer('channel', () => this.channels.get(channelId) ?? NO_CHANNEL)
  }

  isNonceUsed(channelId: Hex, bindingId: Hex, nonce: bigint): Promise<boolean> {
    return this.#answer('isNonceUsed', () =>
      this.usedNonces.has(nonceName(channelId, bindingId, nonce)),
    )
  }

  isBindingApproved(_agentId: bigint, bindingId: Hex): Promise<boolean> {
    return this.#answer('isBindingApproved', () => this.approvals.has(bindingId))
  }

  binding(bindingId: Hex): Promise<BindingRecord> {
    return this.#answer('binding', () => {
      const binding = this.bindings.get(bindingId)
      if (binding === undefined) {
        return {
          valid: false,
          validUntil: 0n,
          revoked: false,
          judged: false,
          blockNumber: 0n,
          evidence: NO_EVIDENCE,
        }
      }
      const valid =
        !binding.revoked && binding.validUntil >= this.now() && this.standing === 'active'
      const judged = this.verification !== undefined
      return { ...binding, valid, judged, evidence: binding.evidenceHash }
    })
  }

  bindingStatus(bindingId: Hex): Promise<BindingStatus> {
    return this.#answer('bindingStatus', () => {
      const binding = this.bindings.get(bindingId)
      if (binding === undefined) return 'unknown'
      if (binding.revoked) return 'revoked'
      return binding.validUntil < this.now() ? 'expired' : this.standing
    })
  }

  bindingValidity(): Promise<bigint> {
    return this.#answer('bindingValidity', () => this.bindingValidityS)
  }

  bindSigner(call: BindSignerCall): Promise<void> {
    return this.#answer('bindSigner', () => {
      const bindingId = bindingIdOf(call.statement, registryDomain)
      const refuse = (name: string): never => {
        throw new ChainError('CHAIN_REFUSED', `refused: ${name}`)
      }
      if (!this.approvals.has(bindingId)) refuse('BindingNotApproved')
      const digest = attestationDigest({ ...call, bindingId }, registryDomain)
      if (recoverAddress(digest, call.signerSig) !== call.statement.signer) {
        refuse('InvalidSignature')
      }
      const { evidenceHash, validUntil, blockNumber } = call
      const { signer } = call.statement
      this.attestations.push(call)
      this.bindings.set(bindingId, {
        valid: true,
        validUntil,
        revoked: false,
        blockNumber,
        evidenceHash,
        signer,
      })
    })
  }

  preview(items: readonly SettlementItem[]): Promise<readonly SettlementStatus[]> {
    return this.#answer('preview', () => items.map((item) => this.#judge(item)))
  }

  settle(items: readonly SettlementItem[]): Promise<ReadonlyMap<Hex, bigint>> {
    return this.#answer('settle', () => {
      this.settlements.push(items)
      const paid = new Map<Hex, bigint>()
      for (const item of items) {
        if (this.#judge(item) !== 'paid') continue
        const { channelId, bindingId, nonce } = item.auth
        const channel = this.channels.get(channelId) ?? NO_CHANNEL
        const fee = this.feeOf(item)
        this.usedNonces.add(nonceName(channelId, bindingId, nonce))
        this.channels.set(channelId, { ...channel, spent: channel.spent + fee })
        paid.set(item.receipt.authHash, fee)
      }
      if (this.losesAnswers) throw new ChainError('CHAIN_UNAVAILABLE', 'the answer was lost')
      return paid
    })
  }

  previewVoucher(voucher: SignedVoucher): Promise<bigint> {
    return this.#answer('previewVoucher', () => this.#paidBy(voucher))
  }

  settleVoucher(voucher: SignedVoucher): Promise<bigint> {
    return this.#answer('settleVoucher', () => {
      this.settledVouchers.push(voucher)
      const channel = this.channels.get(voucher.channelId) ?? NO_CHANNEL
      const paid = this.#paidBy(voucher)
      this.channels.set(voucher.channelId, { ...channel, spent: channel.spent + paid })
      return paid
    })
  }

  /** As `settleVoucher` of the contract judges. */
  #paidBy(voucher: SignedVoucher): bigint {
    const { channelId, cumulative, signature } = voucher
    const { mode, state, locked, spent, sessionKey } = this.channels.get(channelId) ?? NO_CHANNEL
    const refuse = (name: string): never => {
      throw new ChainError('CHAIN_REFUSED', `refused: ${name}`)
    }
    if (mode !== 'voucher') refuse('NoVoucherChannel')
    const signer = recoverAddress(voucherDigest(voucher, servingDomain), signature)
    if (signer !== sessionKey && !this.replacedKeys.has(signer)) refuse('InvalidSignature')
    const payable = cumulative < locked ? cumulative : locked
    if (state === 'closed' || payable <= spent) refuse('NothingDue')
    return payable - spent
  }

  feeOf({ receipt }: SettlementItem): bigint {
    return feeOf(this.price_, receipt.inputTokens, receipt.outputTokens)
  }

  #judge(item: SettlementItem): SettlementStatus {
    const { auth, receipt } = item
    const channel = this.channels.get(auth.channelId) ?? NO_CHANNEL
    if (this.usedNonces.has(nonceName(auth.channelId, auth.bindingId, auth.nonce))) {
      return 'already_used'
    }
    if (channel.state === 'closed') return 'channel_closed'
    if (this.now() > auth.validUntil + SETTLE_WINDOW_S) return 'expired'
    const authHash = authDigest(auth, servingDomain, nativeKeccak256)
    if (recoverAddress(authHash, item.authSig) !== channel.sessionKey) return 'bad_auth'
    if (channel.mode !== 'receipt') return 'bad_auth'
    const binding = this.bindings.get(auth.bindingId)
    if (binding === undefined) return 'bad_binding'
    const sound =
      receipt.authHash === authHash &&
      receipt.issuedAt <= auth.validUntil &&
      auth.validUntil <= receipt.issuedAt + MAX_AUTH_LIFE_S &&
      receipt.issuedAt <= this.now() &&
      recoverAddress(receiptDigest(receipt, servingDomain, nativeKeccak256), item.receiptSig) ===
        binding.signer
    if (!sound) return 'bad_receipt'
    const fee = this.feeOf(item)
    if (fee > auth.maxFee || receipt.outputTokens > this.price_.maxOutputTokens) return 'over_cap'
    if (fee === 0n) return 'nothing_due'
    return fee > channel.locked - channel.spent ? 'underfunded' : 'paid'
  }

  #answer<Answer>(method: string, make: () => Answer): Promise<Answer> {
    this.calls.push(method)
    if (this.down)
      return Promise.reject(new ChainError('CHAIN_UNAVAILABLE', 'HTTP request failed.'))
    return Promise.resolve().then(make)
  }
}

const NO_EVIDENCE: Hex = `0x${'00'.repeat(32)}`

const NO_CHANNEL: Channel = {
  agentId: 0n,
  serviceId: 0,
  priceVersion: 0,
  mode: 'receipt',
  state: 'none',
  locked: 0n,
  spent: 0n,
  closeAt: 0n,
  sessionKey: `0x${'00'.repeat(20)}`,
}

function nonceName(channelId: Hex, bindingId: Hex, nonce: bigint): string {
  return `${channelId}/${bindingId}/${nonce}`
}

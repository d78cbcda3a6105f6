import { sha256, toHex, utf8, ZERO_DIGEST, type Hex } from '@jeju/verifier/protocol'
import type {
  AnchorCall,
  AnchoredLog,
  AnchoredRoot,
  LogChain,
  SentAnchor,
} from '../../../enclave/src/chain/log-chain.ts'
import { ChainError } from '../../../enclave/src/chain/node-chain.ts'

/** ReceiptRoots' rules in memory; each call is a block. */
export class TestLogChain implements LogChain {
  readonly epochs = new Map<Hex, (AnchorCall & AnchoredRoot)[]>()
  uri = ''
  block = 100n
  /** While set, every call fails as an unreachable RPC does. */
  down = false
  /** Bindings that do not live any more. */
  readonly ended = new Set<Hex>()
  /** Calls are taken and come into no block. */
  losesTransactions = false
  /** Another transaction of the signer is under way. */
  busy = false
  sent = 0
  /** Of what was sent. */
  readonly nonces: number[] = []
  readonly #now: () => Date

  constructor(now: () => Date) {
    this.#now = now
  }

  head(): Promise<bigint> {
    return this.#answer(() => this.block)
  }

  log(bindingId: Hex): Promise<AnchoredLog> {
    return this.#answer(() => this.#logOf(bindingId))
  }

  epoch(bindingId: Hex, epoch: number): Promise<AnchoredRoot | undefined> {
    return this.#answer(() => this.epochs.get(bindingId)?.[epoch])
  }

  agentUri(): Promise<string> {
    return this.#answer(() => this.uri)
  }

  async anchor(
    call: AnchorCall,
    before?: SentAnchor,
    record?: (sent: SentAnchor) => Promise<void>,
  ): Promise<boolean> {
    await this.#answer(() => this.#requireNext(call))
    if (this.busy) return false
    const nonce = before?.nonce ?? this.sent
    const fee = (before?.maxFeePerGas ?? 0n) + 1n
    const fees = { maxFeePerGas: fee, maxPriorityFeePerGas: fee }
    await record?.({ hash: toHex(sha256(utf8(`${call.root}${fee}`))), nonce, ...fees })
    this.sent++
    this.nonces.push(nonce)
    if (this.losesTransactions) return true
    const anchoredAt = Math.floor(this.#now().getTime() / 1000)
    const anchored = { ...call, anchoredAt, blockNumber: ++this.block }
    this.epochs.set(call.bindingId, [...(this.epochs.get(call.bindingId) ?? []), anchored])
    return true
  }

  #requireNext(call: AnchorCall): void {
    const refuse = (name: string): never => {
      throw new ChainError('CHAIN_REFUSED', `refused: ${name}`)
    }
    const { epochs, lastRoot } = this.#logOf(call.bindingId)
    if (this.ended.has(call.bindingId)) refuse('BindingNotLive')
    if (call.epoch !== epochs) refuse('WrongEpoch')
    if (call.previous !== lastRoot) refuse('WrongPrevious')
    if (call.size === 0) refuse('EmptyEpoch')
  }

  #logOf(bindingId: Hex): AnchoredLog {
    const epochs = this.epochs.get(bindingId) ?? []
    return { epochs: epochs.length, lastRoot: epochs.at(-1)?.root ?? ZERO_DIGEST }
  }

  #answer<Answer>(make: () => Answer): Promise<Answer> {
    if (this.down) {
      return Promise.reject(new ChainError('CHAIN_UNAVAILABLE', 'HTTP request failed.'))
    }
    return Promise.resolve().then(make)
  }
}

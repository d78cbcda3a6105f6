import {
  concatBytes,
  fromHex,
  sha256,
  toHex,
  type Hex,
  type NodeStatement,
} from '@jeju/verifier/protocol'
import { expect } from 'vitest'
import type {
  AttestCall,
  OnchainVerification,
  RenewCall,
} from '../../../enclave/src/chain/node-chain.ts'
import { TestClock } from './start-node.ts'
import { TestChain } from './test-chain.ts'

export const VERIFIER_INDEX = 3n

/** A verifier on chain: grants to a signer what it is shown, unless it has a reason not to. */
export class TestVerification implements OnchainVerification {
  readonly verifierIndex = VERIFIER_INDEX
  readonly attested: AttestCall[] = []
  readonly renewed: RenewCall[] = []
  readonly brought: { readonly quote: Uint8Array; readonly caching: boolean }[] = []
  readonly claims: (readonly Hex[])[] = []
  /** How often the record was looked at. */
  looks = 0
  /** What the record has of the node. */
  claim = { isWhole: false, keptUntil: 0n, blockNumber: 0n }
  /** Until when other bindings keep its devices. */
  others = 0n
  /** What it refuses claims of devices for. */
  claimRefusal: Error | undefined
  /** What Intel serves, or why it does not. */
  collateral: string | Error = '{"tcb_info":"of then"}'
  /** What it refuses everything for. */
  refusal: Error | undefined
  readonly #chain: TestChain

  constructor(chain: TestChain) {
    this.#chain = chain
  }

  bringCollateral(quote: Uint8Array, caching: boolean) {
    this.brought.push({ quote, caching })
    return Promise.resolve([{ steps: ['TCB info'], gasUsed: 300_000n }])
  }

  collateralOf() {
    return this.collateral instanceof Error
      ? Promise.reject(this.collateral)
      : Promise.resolve(this.collateral)
  }

  evidenceOf(quote: Uint8Array, gpuEvidenceDigest: Hex) {
    return Promise.resolve(concatBytes(fromHex(gpuEvidenceDigest, 32), sha256(quote)))
  }

  attest(call: AttestCall) {
    if (this.refusal !== undefined) return Promise.reject(this.refusal)
    this.attested.push(call)
    const bindingId = this.#chain.approvals.values().next().value ?? '0x'
    this.#grant(bindingId, call, call.statement.signer)
    return Promise.resolve({ gasUsed: 190_000n })
  }

  renew(call: RenewCall) {
    if (this.refusal !== undefined) return Promise.reject(this.refusal)
    const granted = this.#chain.bindings.get(call.bindingId)
    if (granted === undefined) return Promise.reject(new Error('nothing to renew'))
    this.renewed.push(call)
    this.#grant(call.bindingId, call, granted.signer)
    return Promise.resolve({ gasUsed: 90_000n })
  }

  #grant(
    bindingId: Hex,
    { evidence, blockNumber }: Pick<RenewCall, 'evidence' | 'blockNumber'>,
    signer: Hex,
  ): void {
    this.#chain.bindings.set(bindingId, {
      valid: true,
      validUntil: this.#chain.now() + 24n * 3600n,
      revoked: false,
      blockNumber,
      evidenceHash: toHex(evidence),
      signer,
    })
    this.#chain.standing = 'active'
  }

  deviceClaim() {
    this.looks++
    return Promise.resolve({ ...this.claim, leaseS: 7_200n })
  }

  heldUntil() {
    return Promise.resolve(this.others)
  }

  claimDevices(statement: NodeStatement, devices: readonly Hex[]) {
    if (this.claimRefusal !== undefined) return Promise.reject(this.claimRefusal)
    expect(toHex(sha256(concatBytes(...devices.map((device) => fromHex(device, 32)))))).toBe(
      statement.gpuDevicesDigest,
    )
    this.claims.push(devices)
    const blockNumber = this.attested.at(-1)?.blockNumber ?? 0n
    this.claim = { isWhole: true, keptUntil: this.#chain.now() + 7_200n, blockNumber }
    return Promise.resolve({ gasUsed: 90_000n })
  }
}

/** A chain in memory on which quotes are judged, and its clock. */
export function judgedChain(): {
  readonly chain: TestChain
  readonly verification: TestVerification
  readonly clock: TestClock
} {
  const clock = new TestClock()
  const chain = new TestChain(clock.now)
  const verification = new TestVerification(chain)
  chain.verification = verification
  return { chain, verification, clock }
}

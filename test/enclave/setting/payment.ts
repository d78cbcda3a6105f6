import type { Hex } from '@jeju/verifier/protocol'
import { createAuthoriser, type Authoriser } from '../../../enclave/src/payment/authorise.ts'
import { openJournal, type Journal } from '../../../enclave/src/payment/journal.ts'
import { openStore, type Store } from '../../../enclave/src/storage/store.ts'
import { servingDomain } from './deployment.ts'
import { temporaryFolder } from './start-node.ts'
import { TestChain } from './test-chain.ts'
import { digestOf } from './test-client.ts'

/** The binding of the node that takes money here. */
export const BINDING: Hex = digestOf('this node')
/** A moment for a clock that stands still, for bounds to the second. */
export const NOW_S = 1_800_000_000n
export const stillNow = (): Date => new Date(Number(NOW_S) * 1000)

const stores: Store[] = []

/** Closes every database that was opened here. */
export async function closeStores(): Promise<void> {
  await Promise.all(stores.splice(0).map((store) => store.close()))
}

/** The part of a node that takes money. */
export interface PaymentSetting {
  readonly stateDir: string
  readonly chain: TestChain
  readonly store: Store
  readonly journal: Journal
  readonly authoriser: Authoriser
}

/** Opens it on a folder and a chain of an earlier life, or on fresh ones. */
export async function openPayment(
  options: {
    readonly stateDir?: string | undefined
    readonly chain?: TestChain | undefined
    readonly earlierLifeEnd?: bigint | undefined
    readonly now?: () => Date
  } = {},
): Promise<PaymentSetting> {
  const { now = stillNow, earlierLifeEnd } = options
  const chain = options.chain ?? new TestChain(now)
  const stateDir = options.stateDir ?? (await temporaryFolder())
  const store = await openStore(stateDir)
  stores.push(store)
  const journal = await openJournal(store, now)
  const authoriser = createAuthoriser({
    chain,
    journal,
    holds: { has: () => false },
    serving: servingDomain,
    bindingId: BINDING,
    agentId: 0n,
    serviceId: 0,
    earlierLifeEnd,
    now,
  })
  return { stateDir, chain, store, journal, authoriser }
}

/** The code of a refusal; what else was thrown, in words. */
export function refusalOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

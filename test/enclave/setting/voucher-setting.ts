import {
  authDigest,
  encodeAuthorization,
  utf8,
  type Hex,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { createAuthoriser } from '../../../enclave/src/payment/authorise.ts'
import { openJournal, type Journal } from '../../../enclave/src/payment/journal.ts'
import { openStore, type Store } from '../../../enclave/src/storage/store.ts'
import { servingDomain } from './deployment.ts'
import { temporaryFolder } from './start-node.ts'
import { TestChain } from './test-chain.ts'
import { CHAT_PATH, chatBody, digestOf } from './test-client.ts'
import { VoucherClient, type VoucherLies } from './voucher-client.ts'

export const VOUCHER_BINDING: Hex = digestOf('this node')
const BODY = chatBody()
const NOW_S = 1_800_000_000n
const stillNow = (): Date => new Date(Number(NOW_S) * 1000)
const stores: Store[] = []

/** Closes every database that was opened here. */
export async function closeStores(): Promise<void> {
  await Promise.all(stores.splice(0).map((store) => store.close()))
}

/** The part of a node that takes money, and a client whose channel is paid by vouchers. */
export interface VoucherSetting {
  readonly stateDir: string
  readonly chain: TestChain
  readonly store: Store
  readonly journal: Journal
  readonly client: VoucherClient
  /** Takes what the client signs; `ok`, or the code of the refusal. */
  take(lies?: VoucherLies): Promise<string>
  takeSigned(signed: SignedRequestAuth): Promise<string>
  /** An answer to an authorisation; the client knows its fee unless said otherwise. */
  answer(fee: bigint, signed?: SignedRequestAuth, isKnown?: boolean): Promise<void>
}

/** Opens it on a folder, a chain and a client of an earlier life, or on fresh ones. */
export async function openVouchers(
  locked?: bigint,
  folder?: string,
  before?: Pick<VoucherSetting, 'chain' | 'client'>,
  now: () => Date = stillNow,
): Promise<VoucherSetting> {
  const chain = before?.chain ?? new TestChain(now)
  const stateDir = folder ?? (await temporaryFolder())
  const store = await openStore(stateDir)
  stores.push(store)
  const journal = await openJournal(store, now)
  const authoriser = createAuthoriser({
    chain,
    journal,
    holds: { has: () => false },
    serving: servingDomain,
    bindingId: VOUCHER_BINDING,
    agentId: 0n,
    serviceId: 0,
    earlierLifeEnd: undefined,
    now,
  })
  const client = before?.client ?? new VoucherClient(chain, VOUCHER_BINDING, locked)
  let last: SignedRequestAuth | undefined
  const takeSigned: VoucherSetting['takeSigned'] = async (signed) => {
    try {
      const header = encodeAuthorization(signed)
      const authorised = await authoriser.check(header, 'POST', CHAT_PATH, utf8(BODY))
      const { onDisk } = await authoriser.take(authorised)
      await onDisk
      last = signed
      return 'ok'
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }
  return {
    stateDir,
    chain,
    store,
    journal,
    client,
    takeSigned,
    take: (lies) => takeSigned(client.sign(BODY, lies)),
    answer: async (fee, signed = last, isKnown = true) => {
      if (signed === undefined) throw new Error('nothing was taken')
      const { auth, signature } = signed
      const receipt = {
        authHash: authDigest(auth, servingDomain),
        responseHash: digestOf('response'),
        inputTokens: 1,
        outputTokens: 1,
        finish: 0,
        issuedAt: NOW_S,
      }
      if (isKnown) client.ended(auth.maxFee, fee)
      await journal.finish({ auth, authSig: signature, receipt, receiptSig: signature }, fee)
    },
  }
}

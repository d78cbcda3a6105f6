import type { Hex, RequestAuth } from '@jeju/verifier/protocol'
import type { SettlementItem } from '../../../enclave/src/chain/node-chain.ts'
import { openJournal, type Journal } from '../../../enclave/src/payment/journal.ts'
import { openStore, type Store } from '../../../enclave/src/storage/store.ts'
import { temporaryFolder, TestClock } from './start-node.ts'
import { digestOf } from './test-client.ts'

export const CHANNEL: Hex = digestOf('channel')
/** One moment for all, so that an authorisation built twice is the same one. */
export const SOON: bigint = BigInt(Math.floor(Date.now() / 1000)) + 600n
const SIGNATURE: Hex = `0x${'5a'.repeat(65)}`

/** An authorisation of the channel, for 100 wei at most. */
export function authOf(nonce: bigint, changes: Partial<RequestAuth> = {}): RequestAuth {
  return {
    channelId: CHANNEL,
    nonce,
    bindingId: digestOf('binding'),
    requestHash: digestOf('request'),
    maxFee: 100n,
    validUntil: SOON,
    ...changes,
  }
}

/** The name of an authorisation of that nonce. */
export function hashOf(nonce: bigint | number): Hex {
  return digestOf(`auth ${nonce}`)
}

/** What is settled of an authorisation that was answered; signed by nobody. */
export function itemOf(auth: RequestAuth, authHash: Hex = hashOf(auth.nonce)): SettlementItem {
  return {
    auth,
    authSig: SIGNATURE,
    receipt: {
      authHash,
      responseHash: digestOf('response'),
      inputTokens: 1,
      outputTokens: 2,
      finish: 0,
      issuedAt: 1n,
    },
    receiptSig: SIGNATURE,
  }
}

/** The journal of a folder; of a fresh one unless said otherwise. */
export async function openJournalOn(
  folder?: string,
  clock: TestClock = new TestClock(),
): Promise<{ readonly journal: Journal; readonly store: Store }> {
  const store = await openStore(folder ?? (await temporaryFolder()))
  return { store, journal: await openJournal(store, clock.now) }
}

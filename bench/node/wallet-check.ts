import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeAuthorization, utf8 } from '@jeju/verifier/protocol'
import { createAuthoriser } from '../../enclave/src/payment/authorise.ts'
import { openJournal } from '../../enclave/src/payment/journal.ts'
import { openStore } from '../../enclave/src/storage/store.ts'
import { servingDomain } from '../../test/enclave/setting/deployment.ts'
import { TestChain } from '../../test/enclave/setting/test-chain.ts'
import {
  CHAT_PATH,
  chatBody,
  digestOf,
  TestClient,
} from '../../test/enclave/setting/test-client.ts'
import type { WalletFigures } from './orders.ts'

const WARM_UP = 100

/** What a wallet's check takes, the chain's own time left out; with the database's commit and without. */
export async function measureWalletCheck(runs: number): Promise<WalletFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'jeju-bench-'))
  const store = await openStore(folder)
  const now = (): Date => new Date()
  const chain = new TestChain(now)
  const journal = await openJournal(store, now)
  const bindingId = digestOf('bench')
  const authoriser = createAuthoriser({
    chain,
    journal,
    holds: { has: () => false },
    serving: servingDomain,
    bindingId,
    agentId: 0n,
    serviceId: 0,
    earlierLifeEnd: undefined,
    now,
  })
  const client = new TestClient(chain, bindingId, 10n ** 24n)
  const body = chatBody()
  const bytes = utf8(body)
  const headers = Array.from({ length: runs + WARM_UP }, () =>
    encodeAuthorization(client.sign(body)),
  )
  const reserved: number[] = []
  const durable: number[] = []
  for (const header of headers) {
    const started = performance.now()
    const authorised = await authoriser.check(header, 'POST', CHAT_PATH, bytes)
    const { onDisk } = await authoriser.take(authorised)
    reserved.push(performance.now() - started)
    await onDisk
    durable.push(performance.now() - started)
  }
  await store.close()
  await rm(folder, { recursive: true, force: true })
  return {
    checkAndReserveMs: medianOf(reserved.slice(WARM_UP)),
    untilDurableMs: medianOf(durable.slice(WARM_UP)),
    runs,
  }
}

function medianOf(times: readonly number[]): number {
  return Number((times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN).toFixed(3))
}

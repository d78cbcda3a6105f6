import { strict as assert } from 'node:assert'
import {
  findInclusion,
  readAnchoredEpochs,
  ReceiptBook,
  verifyReceiptRecord,
  type Store,
} from '@jeju/sdk'
import type { Network } from '../network/network.ts'
import { waitFor } from '../network/process.ts'
import type { Story } from '../story.ts'

/** The node anchors the log of its receipts; the client keeps proofs, and needs the node for nothing after that. */
export async function proveReceipts(
  story: Story,
  net: Network,
  store: Store,
  wallet: number,
): Promise<void> {
  const { deployment } = net.chain
  const { policy, trustAnchor, gpu } = net
  const book = new ReceiptBook(store)
  // As its nodes do: nothing takes a block of this chain back.
  const confirmations = 1
  const sources = { wallet: net.wallet(wallet), deployment, confirmations, fetch, gateways: [] }
  const names = await book.names()
  assert(names.length > 0)
  for (const name of names) {
    const record = await book.read(name)
    assert(record !== undefined)
    const inclusion = await waitFor(
      'the epoch of a receipt to be anchored',
      async () => {
        const found = await findInclusion(record, sources)
        return found.outcome === 'proven' ? found.inclusion : undefined
      },
      { timeoutMs: 30_000 },
    )
    await book.keepInclusion(name, inclusion)
    const evidence = await book.evidence(record.evidence)
    const anchored = readAnchoredEpochs(sources.wallet, deployment, confirmations)
    const trust = { deployment, trustAnchor, policy, gpu, anchored, inclusion: 'required' as const }
    const { outcome, checks } = await verifyReceiptRecord(record, evidence, trust, inclusion)
    assert.equal(outcome, 'verified')
    const { epoch, size, root } = inclusion.anchored
    story.step(
      `a receipt stands in epoch ${epoch} of its node's log, with ${size - 1} others`,
      `root ${root}, in ReceiptRoots ${deployment.receiptRoots}`,
    )
    story.detail(
      `${checks.length} checks of receipt, evidence and log pass with nobody to ask but the chain`,
    )
  }
}

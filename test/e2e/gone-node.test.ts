import { parseEventLogs, publicActions, type PublicActions } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { computeRegistryAbi, receiptRootsAbi } from '@jeju/contracts'
import {
  createMemoryStore,
  findInclusion,
  readAnchoredEpochs,
  ReceiptBook,
  verifyReceiptRecord,
  type InclusionRecord,
  type ReceiptRecord,
} from '@jeju/sdk'
import { verifyEvidence, verifyInclusion } from '@jeju/verifier'
import { ArchiveError, readArweave } from '@jeju/verifier/archive'
import {
  AUTHORIZATION_HEADER,
  decodeUtf8,
  encodeAuthorization,
  epochRoot,
  parseComputeReceipt,
  parseEpochDocument,
  parseInclusionProof,
  proveInclusion,
  receiptSalt,
  type EpochDocument,
  type Hex,
} from '@jeju/verifier/protocol'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import type { DevnetProvider } from '../../demo/network/operator.ts'
import { waitFor } from '../../demo/network/process.ts'
import { serveDataItems, type DataItemServer } from '../enclave/archive/data-item-server.ts'
import { admissions } from './setting/admission.ts'
import { openaiOf, QUESTION, questionOf } from './setting/openai-client.ts'

// A node, its chain, and a local server that takes ANS-104 items as a bundler does and gives them back as a gateway does.
// Tests run in order: the node answers, its epoch is anchored, the node is killed and its disk is gone.

const WALLET = 5
const WAIT = { timeoutMs: 30_000 }

let archive: DataItemServer
let network: Network
let node: DevnetProvider
let record: ReceiptRecord
let name: string
let fromNode: InclusionRecord
const store = createMemoryStore()
const book = new ReceiptBook(store)

beforeAll(async () => {
  archive = await serveDataItems()
  network = await startNetwork({
    ARCHIVE: 'arweave',
    ARCHIVE_UPLOAD_URL: `${archive.url}/v1/tx`,
    ARCHIVE_GATEWAYS: archive.url,
    RECEIPT_EPOCH_S: '2',
  })
  node = await network.startProvider('node', 1)
  const gateway = await network.startGateway()
  await admissions(gateway, 1)
  const { openai } = openaiOf(network, gateway, WALLET, { store })
  await openai.chat.completions.create(questionOf(network, QUESTION, 20))
  const [first = ''] = await book.names()
  const kept = await book.read(first)
  if (kept === undefined) throw new Error('no receipt was kept')
  ;[name, record] = [first, kept]
}, 180_000)

afterAll(async () => {
  await network.stop()
  await archive.close()
}, 60_000)

function reader(): PublicActions {
  return network.wallet(WALLET).extend(publicActions)
}

const roots = (): { readonly chainId: bigint; readonly verifyingContract: Hex } => ({
  chainId: BigInt(network.chain.deployment.chainId),
  verifyingContract: network.chain.deployment.receiptRoots,
})

/** The archived document of the receipt's epoch: from what the chain says of it, and nobody else. */
async function archivedEpoch(): Promise<EpochDocument> {
  const { bindingId, epoch } = fromNode.proof
  const contract = { address: roots().verifyingContract, abi: receiptRootsAbi } as const
  const args = [bindingId, BigInt(epoch)] as const
  const locator = await reader().readContract({ ...contract, functionName: 'locatorOf', args })
  const { digest, root } = await reader().readContract({
    ...contract,
    functionName: 'epochOf',
    args,
  })
  const content = await readArweave(locator, digest, { fetch, gateways: [archive.url] })
  const document = parseEpochDocument(decodeUtf8(content))
  expect(epochRoot(document)).toBe(root)
  return document
}

describe('while the node is there', () => {
  test('it proves the receipt when the epoch is anchored', async () => {
    const { authHash } = parseComputeReceipt(record.receipt).receipt
    const headers = { [AUTHORIZATION_HEADER]: encodeAuthorization(record.signed) }
    const text = await waitFor(
      'the epoch to be anchored',
      async () => {
        const url = `${node.machine.url}/v1/receipts/${authHash}/inclusion`
        const response = await fetch(url, { headers })
        return response.status === 200 ? response.text() : undefined
      },
      WAIT,
    )
    const proof = parseInclusionProof(text)
    const args = [proof.bindingId, BigInt(proof.epoch)] as const
    const { root, digest, size, anchoredAt } = await reader().readContract({
      address: roots().verifyingContract,
      abi: receiptRootsAbi,
      functionName: 'epochOf',
      args,
    })
    const counts = { size: Number(size), anchoredAt: Number(anchoredAt) }
    const place = { roots: roots(), bindingId: proof.bindingId, epoch: proof.epoch }
    const anchored = { ...place, root, digest, ...counts }
    fromNode = { proof, anchored }
    const report = verifyInclusion({ receipt: record.receipt, proof, anchored, roots: roots() })
    expect(report.verdict.outcome).toBe('verified')
  })

  test('everything it archived is there under its key', async () => {
    const kinds = (): readonly (string | undefined)[] =>
      [...archive.items.values()].map(({ tags }) => tags.get('Jeju-Content'))
    await waitFor(
      'the archive',
      async () => {
        const all = kinds()
        const wanted = ['epoch', 'evidence', 'registration']
        return Promise.resolve(wanted.every((kind) => all.includes(kind)) ? true : undefined)
      },
      WAIT,
    )
    for (const { owner, tags } of archive.items.values()) {
      expect(owner).toBe(node.signer)
      expect(tags.get('Jeju-Binding')).toBe(node.bindingId)
    }
  })
})

describe('when the node is gone', () => {
  beforeAll(async () => {
    await node.process.kill()
    await node.machine.stop()
    await expect(fetch(`${node.machine.url}/health`)).rejects.toThrow()
  })

  test('archived_evidence_is_reverified: as of the receipt’s time, for the block that the chain recorded', async () => {
    const document = await archivedEpoch()
    const { deployedAtBlock, computeRegistry, chainId } = network.chain.deployment
    const fromBlock = BigInt(deployedAtBlock)
    const logs = await reader().getLogs({ address: computeRegistry, fromBlock })
    const granted = parseEventLogs({ abi: computeRegistryAbi, eventName: 'Attested', logs })
    const event = granted.find(({ args }) => args.bindingId === node.bindingId)
    if (event === undefined) throw new Error('no grant')
    const { evidenceHash, blockNumber, blockHash } = event.args
    const found = document.evidence.find(({ named }) => named === evidenceHash)
    if (found?.locator === undefined) throw new Error('the evidence is not archived')
    const options = { fetch, gateways: [archive.url] }
    const bundle = await readArweave(found.locator, found.digest, options)
    const { issuedAt } = parseComputeReceipt(record.receipt).receipt
    const { verdict } = await verifyEvidence(bundle, {
      at: new Date(Number(issuedAt) * 1000),
      trustAnchor: network.trustAnchor,
      // Intel's documents of then are in the bundle: whoever judges it later finds no others.
      collateral: undefined,
      policy: network.policy,
      registry: { chainId: BigInt(chainId), verifyingContract: computeRegistry },
      freshness: { kind: 'registration', blockNumber, blockHash },
      expected: { agentId: node.agentId, operator: node.operator.toLowerCase() as Hex },
    })
    expect(verdict.outcome).toBe('verified')
    if (verdict.outcome !== 'verified') return
    // The key that signed the receipt is the one that this hardware proved.
    expect(verdict.claims.bindingId).toBe(record.binding.bindingId)
    expect(verdict.claims.statement.signer).toBe(record.binding.signer)
    const lie = { fetch, gateways: [archive.url] }
    archive.lie = Buffer.from('other evidence')
    const refused = await readArweave(found.locator, found.digest, lie).catch(
      (error: unknown) => error,
    )
    archive.lie = undefined
    expect(refused).toBeInstanceOf(ArchiveError)
  })

  test('the archive alone gives the proof that the node gave', async () => {
    const document = await archivedEpoch()
    const proof = proveInclusion(document, receiptSalt(record.signed.salt), record.receipt)
    expect(proof).toEqual(fromNode.proof)
  })

  test('receipt_verifies_after_its_node_is_gone: with the proof that the SDK kept, and the chain', async () => {
    const { deployment } = network.chain
    const found = await findInclusion(record, {
      wallet: network.wallet(WALLET),
      deployment,
      confirmations: 1,
      fetch,
      gateways: ['http://127.0.0.1:1', archive.url],
    })
    expect(found).toEqual({ outcome: 'proven', inclusion: fromNode })
    await book.keepInclusion(name, fromNode)
    const report = await verifyReceiptRecord(
      record,
      await book.evidence(record.evidence),
      {
        deployment,
        trustAnchor: network.trustAnchor,
        policy: network.policy,
        gpu: network.gpu,
        anchored: readAnchoredEpochs(network.wallet(WALLET), deployment, 1),
        inclusion: 'required',
      },
      await book.inclusion(name),
    )
    expect(report.checks.filter(({ status }) => status !== 'passed')).toEqual([])
    expect(report.outcome).toBe('verified')
    const names = report.checks.map((check) => check.name)
    expect(names).toEqual(expect.arrayContaining(['inclusion-log', 'inclusion-root']))
  })
})

import {
  createMemoryStore,
  ReceiptBook,
  type AnchoredEpochs,
  type EvidenceRecord,
  type InclusionRecord,
  type ReceiptRecord,
  type RecordTrust,
} from '@jeju/sdk'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { arweaveLocator } from '@jeju/verifier/archive'
import {
  encodeEpochDocument,
  epochRoot,
  parseComputeReceipt,
  proveInclusion,
  receiptCommitment,
  receiptSalt,
  sha256,
  toHex,
  utf8,
  type EpochDocument,
  type Hex,
} from '@jeju/verifier/protocol'
import { policyOf } from '../../simulated-trust.ts'
import { deployment } from './deployment.ts'
import { chat, CHAT_URL, Market, platform } from './market.ts'
import { TestRpc, type ContractAnswer } from './test-rpc.ts'

export const h = (byte: string): Hex => `0x${byte.repeat(32)}`
const roots = { chainId: 31337n, verifyingContract: deployment.receiptRoots } as const
export const ENDPOINT = 'https://node.test'
export const GATEWAY = 'https://gateway.test'
const HOUR_S = 3600n

export const store = createMemoryStore()
const market = new Market()
export const book = new ReceiptBook(store)
export const trust: RecordTrust = {
  deployment,
  trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
  policy: policyOf(market.nodes[0].td),
}
await (await market.fetchWith({ store })(CHAT_URL, chat())).text()
const [first = ''] = await book.names()
const read = await book.read(first)
if (read === undefined) throw new Error('no receipt was kept')
export const name = first
export const record: ReceiptRecord = read
export const evidence: EvidenceRecord | undefined = await book.evidence(read.evidence)
export const issuedAt: bigint = parseComputeReceipt(read.receipt).receipt.issuedAt

const commitment = receiptCommitment(receiptSalt(read.signed.salt), read.receipt)

/** A receipt that was kept, and the log that it stands in. Epochs of the log; the receipt stands in the third. */
export const log: { epochs: readonly EpochDocument[] } = {
  epochs: [[h('01')], [h('02'), h('03')], [h('04'), commitment, h('05')], [h('06')]].map(
    (commitments, epoch) => ({
      roots,
      bindingId: read.binding.bindingId,
      epoch,
      agentId: read.agentId,
      signer: read.binding.signer,
      previous: h('00'),
      openedAt: 0,
      closedAt: 0,
      commitments,
      evidence: [],
      registration: undefined,
    }),
  ),
}

export const textOf = (epoch: number): string => {
  const document = log.epochs[epoch]
  if (document === undefined) throw new Error('no such epoch')
  return encodeEpochDocument(document)
}
const digestOf = (epoch: number): Hex => toHex(sha256(utf8(textOf(epoch))))
/** An hour between epochs; the third is the first after the receipt. */
const anchoredAt = (epoch: number): bigint => issuedAt + BigInt(epoch - 2) * HOUR_S + 60n

/** The chain's side; with `count` epochs of the log. */
export function chain(count = log.epochs.length, locator?: string, lateEpoch = Infinity): TestRpc {
  return new TestRpc((functionName, args): ContractAnswer => {
    const epoch = Number(args[1] ?? 0)
    const document = log.epochs[epoch]
    switch (functionName) {
      case 'logOf':
        return {
          returns: {
            agentId: record.agentId,
            signer: record.binding.signer,
            openedAt: 1n,
            epochs: BigInt(count),
            head: h('00'),
            lastRoot: h('00'),
          },
        }
      case 'epochOf': {
        const isThere = document !== undefined && epoch < count
        return {
          returns: {
            root: isThere ? epochRoot(document) : h('00'),
            digest: isThere ? digestOf(epoch) : h('00'),
            size: isThere ? BigInt(document.commitments.length) : 0n,
            anchoredAt: isThere ? anchoredAt(epoch) : 0n,
            // The head is 16.
            blockNumber: epoch === lateEpoch ? 6n : 5n,
          },
        }
      }
      case 'locatorOf':
        return { returns: locator ?? arweaveLocator(sha256(utf8(`item ${epoch}`))) }
      case 'providerOf':
        return {
          returns: {
            owner: record.operator,
            registeredAt: 1n,
            active: true,
            barred: false,
            endpointVersion: 1,
            endpoint: ENDPOINT,
          },
        }
      default:
        throw new Error(`no answer for ${functionName}`)
    }
  })
}

export const answerOf = (text: string, status = 200): Response => new Response(text, { status })

export interface Web {
  readonly asked: string[]
  readonly fetch: typeof globalThis.fetch
}

/** What a gateway of the archive and the node answer. */
export function web(
  archived: (url: string) => Response,
  node: (headers: Headers) => Response,
): Web {
  const asked: string[] = []
  return {
    asked,
    fetch: (input, init) => {
      const { url, headers } = new Request(input, init)
      const { origin } = new URL(url)
      asked.push(origin)
      return Promise.resolve(origin === GATEWAY ? archived(url) : node(headers))
    },
  }
}

/** An archive that has every epoch. */
export function archiveOf(): Web {
  const texts = new Map(
    log.epochs.map((_, epoch) => [
      arweaveLocator(sha256(utf8(`item ${epoch}`))).slice('ar:'.length),
      textOf(epoch),
    ]),
  )
  return web((url) => answerOf(texts.get(url.split('/').at(-1) ?? '') ?? ''), gone)
}

export const gone = (): Response => answerOf('', 404)

export function expected(): InclusionRecord {
  const document = log.epochs[2]
  const proof =
    document && proveInclusion(document, receiptSalt(record.signed.salt), record.receipt)
  if (document === undefined || proof === undefined) throw new Error('not in the log')
  const { bindingId, epoch, commitments } = document
  const times = { size: commitments.length, anchoredAt: Number(anchoredAt(2)) }
  const digest = digestOf(2)
  return {
    proof,
    anchored: { roots, bindingId, epoch, root: epochRoot(document), digest, ...times },
  }
}

/** What a caller's RPC says of the epoch. */
export const believed: AnchoredEpochs = ({ epoch }) =>
  Promise.resolve(epoch === 2 ? expected().anchored : undefined)

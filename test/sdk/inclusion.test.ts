import {
  createMemoryStore,
  findInclusion,
  readAnchoredEpochs,
  ReceiptBook,
  verifyReceiptRecord,
  type AnchoredEpochs,
  type EvidenceRecord,
  type FoundInclusion,
  type InclusionRecord,
  type ReceiptRecord,
  type RecordTrust,
} from '@jeju/sdk'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { arweaveLocator } from '@jeju/verifier/archive'
import {
  encodeEpochDocument,
  encodeInclusionProof,
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
import { beforeAll, describe, expect, test } from 'vitest'
import { policyOf } from '../simulated-trust.ts'
import { deployment } from './market/deployment.ts'
import { chat, CHAT_URL, Market, platform } from './market/market.ts'
import { TestRpc, type ContractAnswer } from './market/test-rpc.ts'

const h = (byte: string): Hex => `0x${byte.repeat(32)}`
const roots = { chainId: 31337n, verifyingContract: deployment.receiptRoots } as const
const ENDPOINT = 'https://node.test'
const GATEWAY = 'https://gateway.test'
const HOUR_S = 3600n

const store = createMemoryStore()
const market = new Market()
const book = new ReceiptBook(store)
const trust: RecordTrust = {
  deployment,
  trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
  policy: policyOf(market.nodes[0].td),
}
let name: string
let record: ReceiptRecord
let evidence: EvidenceRecord | undefined
let issuedAt: bigint
/** Epochs of the log; the receipt stands in the third. */
let epochs: readonly EpochDocument[]

beforeAll(async () => {
  await (await market.fetchWith({ store })(CHAT_URL, chat())).text()
  const [first = ''] = await book.names()
  const read = await book.read(first)
  if (read === undefined) throw new Error('no receipt was kept')
  ;[name, record] = [first, read]
  evidence = await book.evidence(read.evidence)
  issuedAt = parseComputeReceipt(read.receipt).receipt.issuedAt
  const commitment = receiptCommitment(receiptSalt(read.signed.salt), read.receipt)
  epochs = [[h('01')], [h('02'), h('03')], [h('04'), commitment, h('05')], [h('06')]].map(
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
  )
})

const textOf = (epoch: number): string => {
  const document = epochs[epoch]
  if (document === undefined) throw new Error('no such epoch')
  return encodeEpochDocument(document)
}
const digestOf = (epoch: number): Hex => toHex(sha256(utf8(textOf(epoch))))
/** An hour between epochs; the third is the first after the receipt. */
const anchoredAt = (epoch: number): bigint => issuedAt + BigInt(epoch - 2) * HOUR_S + 60n

/** The chain's side; with `count` epochs of the log. */
function chain(count = epochs.length, locator?: string, lateEpoch = Infinity): TestRpc {
  return new TestRpc((functionName, args): ContractAnswer => {
    const epoch = Number(args[1] ?? 0)
    const document = epochs[epoch]
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

const answerOf = (text: string, status = 200): Response => new Response(text, { status })

interface Web {
  readonly asked: string[]
  readonly fetch: typeof globalThis.fetch
}

/** What a gateway of the archive and the node answer. */
function web(archived: (url: string) => Response, node: (headers: Headers) => Response): Web {
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
function archiveOf(): Web {
  const texts = new Map(
    epochs.map((_, epoch) => [
      arweaveLocator(sha256(utf8(`item ${epoch}`))).slice('ar:'.length),
      textOf(epoch),
    ]),
  )
  return web((url) => answerOf(texts.get(url.split('/').at(-1) ?? '') ?? ''), gone)
}

const gone = (): Response => answerOf('', 404)

function find(rpc: TestRpc, { fetch }: Web): Promise<FoundInclusion> {
  const wallet = rpc.wallet()
  return findInclusion(record, { wallet, deployment, fetch, gateways: [GATEWAY] })
}

function expected(): InclusionRecord {
  const document = epochs[2]
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

describe('findInclusion', () => {
  test('finds the receipt in the archive, and the node is not asked', async () => {
    const net = web(() => answerOf(textOf(2)), gone)
    // Only the epoch right behind the receipt is fetched.
    expect(await find(chain(3), net)).toEqual({ outcome: 'proven', inclusion: expected() })
    expect(net.asked).toEqual([GATEWAY])
  })

  test('E11 parked_endpoint_learns_no_salt: asks the node where the archive lies or has nothing, and shows it the commitment’s salt alone', async () => {
    for (const [archived, locator] of [
      [() => answerOf('other'), undefined],
      [gone, undefined],
      [gone, `file:${'00'.repeat(32)}`],
      [gone, ''],
    ] as const) {
      let shown: readonly string[] = []
      const net = web(archived, (headers) => {
        shown = [...headers.values()]
        return answerOf(encodeInclusionProof(expected().proof))
      })
      expect(await find(chain(3, locator), net)).toEqual({
        outcome: 'proven',
        inclusion: expected(),
      })
      expect(shown).toEqual([`Bearer ${receiptSalt(record.signed.salt)}`])
      expect(net.asked.at(-1)).toBe(ENDPOINT)
    }
  })

  test('backlog_hides_no_receipt: a log that caught up late is read to the epoch that has it, and no further', async () => {
    const own = epochs
    const filler = (epoch: number, openedAt: number): EpochDocument => {
      const [some] = own
      if (some === undefined) throw new Error('no epoch')
      return { ...some, epoch, openedAt, commitments: [toHex(sha256(utf8(`${epoch}`)))] }
    }
    const [issued, behind] = [Number(issuedAt), Number(issuedAt) + 1_000]
    const backlog = Array.from({ length: 20 }, (_, at) => filler(at + 2, issued - 1_000 + at))
    const [, , mine] = own
    if (mine === undefined) throw new Error('no epoch')
    try {
      epochs = [...own.slice(0, 2), ...backlog, { ...mine, epoch: 22, openedAt: issued }]
      const found = await find(chain(), archiveOf())
      expect(found).toMatchObject({ outcome: 'proven', inclusion: { proof: { epoch: 22 } } })
      // It is in none that was opened after it.
      epochs = [...own.slice(0, 2), ...[2, 3, 4].map((epoch) => filler(epoch, behind))]
      const net = archiveOf()
      expect(await find(chain(), net)).toMatchObject({ outcome: 'open' })
      expect(net.asked).toEqual([GATEWAY, ENDPOINT])
    } finally {
      epochs = own
    }
  })

  test('unconfirmed_root_is_not_kept: an epoch whose block could still be taken back proves nothing', async () => {
    const net = web(
      () => answerOf(textOf(2)),
      () => answerOf(encodeInclusionProof(expected().proof)),
    )
    const rpc = chain(3, undefined, 2)
    expect(await find(rpc, net)).toEqual({
      outcome: 'open',
      because: 'node: epoch 2 is not under enough blocks',
    })
    const sources = { wallet: rpc.wallet(), deployment, gateways: [GATEWAY], fetch: net.fetch }
    expect(await findInclusion(record, { ...sources, confirmations: 11 })).toMatchObject({
      outcome: 'proven',
    })
    const place = expected().anchored
    expect(await readAnchoredEpochs(rpc.wallet(), deployment)(place)).toBeUndefined()
  })

  test('forged_inclusion_proof_rejected, whoever gives it', async () => {
    const forged = encodeInclusionProof({ ...expected().proof, index: 0 })
    const found = await find(
      chain(),
      web(gone, () => answerOf(forged)),
    )
    expect(found).toEqual({ outcome: 'open', because: 'refused: inclusion-root' })
  })

  test.each([
    ['its epoch is open', 2, () => answerOf('{}', 404), /no epoch was anchored since.*404/],
    ['the node gives no proof', 3, () => answerOf('{}'), /proof/],
    [
      'the node speaks of an epoch that the chain does not know',
      2,
      undefined,
      /not under enough blocks/,
    ],
  ])('says what is missing: %s', async (_, count, node, because) => {
    const proof = encodeInclusionProof(expected().proof)
    const found = await find(chain(count), web(gone, node ?? (() => answerOf(proof))))
    expect(found).toMatchObject({ outcome: 'open', because: expect.stringMatching(because) })
  })

  test.each([
    ['a page without an end', () => answerOf('x'.repeat(100_000))],
    ['a page of another kind', () => answerOf('<html>for sale</html>')],
    ['a redirect', () => Response.redirect('https://parking.test', 302)],
  ])('parked_domain_aborts_nothing: %s is a reason', async (_, page) => {
    expect(await find(chain(3), web(gone, page))).toMatchObject({ outcome: 'open' })
  })

  test('a network that is down is said, and a chain that is down is thrown', async () => {
    const down: Web = { asked: [], fetch: () => Promise.reject(new TypeError('fetch failed')) }
    expect(await find(chain(), down)).toMatchObject({ outcome: 'open' })
    const rpc = new TestRpc(() => {
      throw new Error('down')
    })
    await expect(find(rpc, down)).rejects.toMatchObject({ code: 'CHAIN_READ' })
  })
})

/** What a caller's RPC says of the epoch. */
const believed: AnchoredEpochs = ({ epoch }) =>
  Promise.resolve(epoch === 2 ? expected().anchored : undefined)

describe('a kept proof', () => {
  const checksOf = async (
    inclusion: InclusionRecord | undefined,
    under: Partial<RecordTrust> = {},
  ): Promise<{ readonly outcome: string; readonly failed: readonly string[] }> => {
    const { outcome, checks } = await verifyReceiptRecord(
      record,
      evidence,
      { ...trust, ...under },
      inclusion,
    )
    const failed = checks.filter(({ status }) => status === 'failed').map((check) => check.name)
    return { outcome, failed }
  }

  test('is judged with its receipt, against what the chain says', async () => {
    expect(await book.inclusion(name)).toBeUndefined()
    await book.keepInclusion(name, expected())
    const kept = await new ReceiptBook(store).inclusion(name)
    expect(kept).toEqual(expected())
    const held = { outcome: 'verified', failed: [] }
    expect(await checksOf(kept, { inclusion: 'required', anchored: believed })).toEqual(held)
    const overRpc = readAnchoredEpochs(chain().wallet(), deployment)
    expect(await checksOf(kept, { inclusion: 'required', anchored: overRpc })).toEqual(held)
  })

  test('may be missing, unless it is required', async () => {
    expect(await checksOf(undefined)).toEqual({ outcome: 'verified', failed: [] })
    expect(await checksOf(undefined, { inclusion: 'required' })).toEqual({
      outcome: 'refused',
      failed: ['inclusion-kept'],
    })
  })

  test('forged_inclusion_record_rejected: a tree of one leaf, with a root and a time of the forger’s own', async () => {
    const salt = receiptSalt(record.signed.salt)
    const document = { ...epochs[2], commitments: [receiptCommitment(salt, record.receipt)] }
    const { proof, anchored } = expected()
    const forged: InclusionRecord = {
      proof: { ...proof, index: 0, size: 1, path: [] },
      anchored: { ...anchored, root: epochRoot(document), size: 1 },
    }
    expect(await checksOf(forged, { inclusion: 'required', anchored: believed })).toEqual({
      outcome: 'refused',
      failed: ['inclusion-kept', 'inclusion-root'],
    })
    const unknown: InclusionRecord = {
      proof: { ...forged.proof, epoch: 9 },
      anchored: { ...forged.anchored, epoch: 9 },
    }
    expect(await checksOf(unknown, { inclusion: 'required', anchored: believed })).toEqual({
      outcome: 'refused',
      failed: ['inclusion-kept'],
    })
    // With nobody to ask it vouches for itself, which is said, and is not enough where inclusion is required.
    expect(await checksOf(forged, { inclusion: 'required' })).toEqual({
      outcome: 'refused',
      failed: [],
    })
    const offline = await verifyReceiptRecord(record, evidence, trust, forged)
    expect(offline.outcome).toBe('verified')
    expect(offline.checks.slice(-3).map(({ status }) => status)).toEqual([
      'passed',
      'skipped',
      'skipped',
    ])
  })

  test('S5 tampered_store_detected: is refused when it was changed', async () => {
    const { proof, anchored } = expected()
    const forged = { proof, anchored: { ...anchored, root: h('ff') } }
    expect((await checksOf(forged)).failed).toEqual(['inclusion-root'])
    const elsewhere = { ...deployment, receiptRoots: `0x${'99'.repeat(20)}` } as const
    const under = { deployment: elsewhere }
    expect((await checksOf(expected(), under)).failed).toEqual(['inclusion-log'])
    await store.write(`inclusion${name.slice('receipts'.length)}`, '{}')
    await expect(book.inclusion(name)).rejects.toMatchObject({ code: 'RECORD_INVALID' })
  })
})

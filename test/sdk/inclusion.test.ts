import { findInclusion, readAnchoredEpochs, type FoundInclusion } from '@jeju/sdk'
import {
  encodeInclusionProof,
  receiptSalt,
  sha256,
  toHex,
  utf8,
  type EpochDocument,
} from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { deployment } from './market/deployment.ts'
import { TestRpc } from './market/test-rpc.ts'
import {
  ENDPOINT,
  GATEWAY,
  textOf,
  answerOf,
  gone,
  chain,
  web,
  archiveOf,
  expected,
  record,
  issuedAt,
  log,
  type Web,
} from './market/logged-receipt.ts'

function find(rpc: TestRpc, { fetch }: Web): Promise<FoundInclusion> {
  const wallet = rpc.wallet()
  return findInclusion(record, { wallet, deployment, fetch, gateways: [GATEWAY] })
}

describe('findInclusion', () => {
  test('finds the receipt in the archive, and the node is not asked', async () => {
    const net = web(() => answerOf(textOf(2)), gone)
    // Only the epoch right behind the receipt is fetched.
    expect(await find(chain(3), net)).toEqual({ outcome: 'proven', inclusion: expected() })
    expect(net.asked).toEqual([GATEWAY])
  })

  test('E11 parked_endpoint_learns_no_salt, S2 storage_fallback_verified: asks the node where the archive lies or has nothing, and shows it the commitment’s salt alone', async () => {
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
    const own = log.epochs
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
      log.epochs = [...own.slice(0, 2), ...backlog, { ...mine, epoch: 22, openedAt: issued }]
      const found = await find(chain(), archiveOf())
      expect(found).toMatchObject({ outcome: 'proven', inclusion: { proof: { epoch: 22 } } })
      // It is in none that was opened after it.
      log.epochs = [...own.slice(0, 2), ...[2, 3, 4].map((epoch) => filler(epoch, behind))]
      const net = archiveOf()
      expect(await find(chain(), net)).toMatchObject({ outcome: 'open' })
      expect(net.asked).toEqual([GATEWAY, ENDPOINT])
    } finally {
      log.epochs = own
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

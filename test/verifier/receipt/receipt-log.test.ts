import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifyInclusion, type InclusionCase, type InclusionReport } from '@jeju/verifier'
import {
  encodeAnchoredEpoch,
  encodeComputeReceipt,
  encodeEpochDocument,
  encodeInclusionProof,
  epochRoot,
  inclusionPath,
  merkleRoot,
  parseAnchoredEpoch,
  parseEpochDocument,
  parseInclusionProof,
  proveInclusion,
  receiptCommitment,
  receiptSalt,
  rootFromPath,
  type AnchoredEpoch,
  type EpochDocument,
  type Hex,
  type InclusionProof,
} from '@jeju/verifier/protocol'
import { failedChecks } from '../../check-names.ts'
import { domains, hexOf, sampleReceipt } from '../protocol/samples.ts'

const h = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`

/** RFC 6962 §2.1 word by word, with another SHA-256. */
function referenceRoot(leaves: readonly Buffer[]): Buffer {
  const hash = (...parts: readonly Buffer[]): Buffer =>
    createHash('sha256').update(Buffer.concat(parts)).digest()
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return hash(Buffer.from([0]), only)
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1)
  return hash(Buffer.from([1]), referenceRoot(leaves.slice(0, k)), referenceRoot(leaves.slice(k)))
}

const buffer = (hex: Hex): Buffer => Buffer.from(hex.slice(2), 'hex')
const trees = fc.array(hexOf(32), { minLength: 1, maxLength: 40 })

describe('Merkle tree', () => {
  test('is that of RFC 6962', () => {
    fc.assert(
      fc.property(trees, (leaves) => {
        expect(merkleRoot(leaves)).toBe(`0x${referenceRoot(leaves.map(buffer)).toString('hex')}`)
      }),
    )
  })

  test('every leaf of every small tree is proven, at its index and size only', () => {
    const all = Array.from({ length: 33 }, (_, index) => h(index))
    for (let size = 1; size <= all.length; size++) {
      const leaves = all.slice(0, size)
      const root = merkleRoot(leaves)
      for (const [index, leaf] of leaves.entries()) {
        const path = inclusionPath(leaves, index)
        expect(rootFromPath(leaf, index, size, path)).toBe(root)
        for (let other = 0; other < size; other++) {
          if (other !== index) expect(rootFromPath(leaf, other, size, path)).not.toBe(root)
        }
      }
    }
  })

  test('a path that is too short or too long leads nowhere', () => {
    fc.assert(
      fc.property(trees, fc.nat(), hexOf(32), (leaves, at, more) => {
        const index = at % leaves.length
        const path = inclusionPath(leaves, index)
        const [leaf = more] = leaves.slice(index)
        expect(rootFromPath(leaf, index, leaves.length, [...path, more])).toBeUndefined()
        if (path.length > 0) {
          expect(rootFromPath(leaf, index, leaves.length, path.slice(1))).toBeUndefined()
        }
        expect(rootFromPath(leaf, leaves.length, leaves.length, path)).toBeUndefined()
      }),
    )
  })

  test('there is no empty tree, and no leaf outside of one', () => {
    expect(() => merkleRoot([])).toThrow(RangeError)
    for (const index of [-1, 1, 0.5]) expect(() => inclusionPath([h(1)], index)).toThrow(RangeError)
  })

  test('no_duplicate_last_leaf: an odd end is not the same tree as its doubled one', () => {
    const leaves = [h(1), h(2), h(3)]
    expect(merkleRoot(leaves)).not.toBe(merkleRoot([...leaves, h(3)]))
  })
})

const authorisationSalt = h(0xaa)
const salt = receiptSalt(authorisationSalt)
const receipt = encodeComputeReceipt(sampleReceipt(h(0x11), h(0x22)))
const { binding_id: bindingId } = JSON.parse(receipt) as { readonly binding_id: Hex }
const issuedAt = Number(
  (JSON.parse(receipt) as { readonly receipt: { readonly issuedAt: string } }).receipt.issuedAt,
)
const roots = { chainId: 31337n, verifyingContract: `0x${'77'.repeat(20)}` } as const

const document: EpochDocument = {
  roots,
  bindingId,
  epoch: 3,
  agentId: 7n,
  signer: `0x${'55'.repeat(20)}`,
  previous: h(9),
  openedAt: issuedAt - 60,
  closedAt: issuedAt + 60,
  commitments: [h(1), h(2), receiptCommitment(salt, receipt), h(4), h(5)],
  evidence: [
    { digest: h(6), locator: `ar:${'A'.repeat(43)}`, named: h(7) },
    { digest: h(8), locator: undefined, named: h(8) },
  ],
  registration: { digest: h(9), locator: `file:${'09'.repeat(32)}` },
}
const anchored: AnchoredEpoch = {
  roots,
  bindingId,
  epoch: 3,
  root: epochRoot(document),
  size: 5,
  digest: h(0x33),
  anchoredAt: issuedAt + 90,
}

function proven(): InclusionProof {
  const proof = proveInclusion(document, salt, receipt)
  if (proof === undefined) throw new Error('not in the document')
  return proof
}

function judge(changes: Partial<InclusionCase> = {}): InclusionReport {
  return verifyInclusion({ receipt, proof: proven(), anchored, roots, ...changes })
}

describe('verifyInclusion', () => {
  test('a receipt of the epoch, with when it was anchored', () => {
    const { checks, verdict } = judge()
    expect(checks.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed'])
    expect(verdict).toEqual({
      outcome: 'verified',
      anchoredAt: new Date((issuedAt + 90) * 1000),
    })
  })

  test('forged_inclusion_proof_rejected: any other hash, index or salt', () => {
    fc.assert(
      fc.property(fc.nat(2), hexOf(32), (at, hash) => {
        const proof = proven()
        fc.pre(proof.path[at] !== hash && proof.salt !== hash)
        const path = proof.path.map((each, index) => (index === at ? hash : each))
        for (const forged of [{ path }, { salt: hash }, { index: 1 }]) {
          const report = judge({ proof: { ...proof, ...forged } })
          expect(failedChecks(report)).toEqual(['inclusion-root'])
          expect(report.verdict).toEqual({ outcome: 'refused' })
        }
      }),
    )
  })

  test('node_as_leaf_rejected: an inner node proves nothing', () => {
    // Whoever knows both children could show their parent as a leaf of a smaller tree, were they hashed alike.
    const node = rootFromPath(h(1), 0, 2, inclusionPath([h(1), h(2)], 0))
    const { path } = proven()
    if (node === undefined) throw new Error('no node')
    for (const size of [2, 3, 4, 5]) {
      expect(rootFromPath(node, 0, size, path.slice(1))).not.toBe(anchored.root)
    }
    const report = judge({ proof: { ...proven(), size: 3, index: 1, path: path.slice(1) } })
    expect(failedChecks(report)).toEqual(['inclusion-root'])
  })

  test('root_of_other_epoch_rejected', () => {
    expect(failedChecks(judge({ anchored: { ...anchored, epoch: 4 } }))).toEqual(['inclusion-log'])
    const other = { ...anchored, root: merkleRoot([h(1), h(2), h(3), h(4), h(5)]) }
    expect(failedChecks(judge({ anchored: other }))).toEqual(['inclusion-root'])
  })

  test('proof_of_other_receipt_rejected: under the same salt too', () => {
    const other = encodeComputeReceipt(sampleReceipt(h(0x11), h(0x23)))
    expect(failedChecks(judge({ receipt: other }))).toEqual(['inclusion-root'])
    expect(proveInclusion(document, salt, other)).toBeUndefined()
    expect(proveInclusion(document, h(0), receipt)).toBeUndefined()
  })

  test('root_by_stranger_rejected: of another contract, chain or binding', () => {
    const proof = proven()
    const elsewhere = { ...roots, verifyingContract: `0x${'78'.repeat(20)}` } as const
    const moved = {
      proof: { ...proof, roots: elsewhere },
      anchored: { ...anchored, roots: elsewhere },
    }
    expect(failedChecks(judge(moved))).toEqual(['inclusion-log'])
    const chain = { ...roots, chainId: 1n }
    expect(failedChecks(judge({ anchored: { ...anchored, roots: chain } }))).toEqual([
      'inclusion-log',
    ])
    const stranger = {
      proof: { ...proof, bindingId: h(1) },
      anchored: { ...anchored, bindingId: h(1) },
    }
    expect(failedChecks(judge(stranger))).toEqual(['inclusion-log'])
  })

  test('a tree of another size is another tree', () => {
    expect(failedChecks(judge({ anchored: { ...anchored, size: 6 } }))).toEqual(['inclusion-root'])
  })

  test('nothing is anchored before it is issued', () => {
    const early = { ...anchored, anchoredAt: issuedAt - 301 }
    expect(failedChecks(judge({ anchored: early }))).toEqual(['inclusion-time'])
    expect(failedChecks(judge({ anchored: { ...early, anchoredAt: issuedAt - 300 } }))).toEqual([])
  })
})

describe('public_hashes_are_salted', () => {
  test('E11: commitments differ by salt, and a shown salt does not give the other away', () => {
    expect(receiptCommitment(h(1), receipt)).not.toBe(receiptCommitment(h(2), receipt))
    expect(salt).not.toBe(authorisationSalt)
    expect(encodeInclusionProof(proven())).not.toContain(authorisationSalt.slice(2))
  })
})

describe('documents of a log', () => {
  test('are read back as they were written', () => {
    expect(parseEpochDocument(encodeEpochDocument(document))).toEqual(document)
    const bare = { ...document, evidence: [], registration: undefined }
    expect(parseEpochDocument(encodeEpochDocument(bare))).toEqual(bare)
    fc.assert(
      fc.property(domains, hexOf(32), trees, fc.nat(), (domain, id, leaves, at) => {
        const index = at % leaves.length
        const place = { roots: domain, bindingId: id, epoch: at }
        const path = inclusionPath(leaves, index)
        const proof = { ...place, salt: id, index, size: leaves.length, path }
        expect(parseInclusionProof(encodeInclusionProof(proof))).toEqual(proof)
        const root = merkleRoot(leaves)
        const epoch = { ...place, root, size: leaves.length, digest: id, anchoredAt: at + 1 }
        expect(parseAnchoredEpoch(encodeAnchoredEpoch(epoch))).toEqual(epoch)
      }),
    )
  })

  test.each([
    ['INPUT_JSON', ' '],
    ['INPUT_FIELD', '{"v":1}'],
    ['INPUT_FIELD', encodeInclusionProof({ ...proven(), index: 5 })],
    [
      'INPUT_FIELD',
      encodeInclusionProof({ ...proven(), path: Array.from({ length: 49 }, () => h(1)) }),
    ],
    [
      'INPUT_HEX',
      encodeInclusionProof(proven()).replace(salt, salt.toUpperCase().replace('X', 'x')),
    ],
  ])('a bad proof: %s', (code, text) => {
    expect(() => parseInclusionProof(text)).toThrow(expect.objectContaining({ code }))
  })

  test('a document without receipts, or with an unknown member, is none', () => {
    const text = encodeEpochDocument(document)
    const empty = encodeEpochDocument({ ...document, commitments: [] })
    for (const bad of [empty, `{"a":1,${text.slice(1)}`, text.slice(0, -1)]) {
      expect(() => parseEpochDocument(bad)).toThrow(
        expect.objectContaining({ name: 'ProtocolError' }),
      )
    }
  })
})

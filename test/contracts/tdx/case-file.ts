import { encodeAbiParameters, hexToBytes, parseAbiParameters, type Hex } from 'viem'
import type { OnchainCase } from './onchain-case.ts'

/** What CaseFile.sol reads: parts, each once, and cases that name them by index. */
const FORM = parseAbiParameters([
  'bytes[] parts, Case[] cases',
  'struct Case { string id; uint256 time; bytes32 rootHash; uint256[] roots; uint256[] authorities; uint256 pck; uint256 rootCrl; uint256 pckCrl; uint256 tcbInfo; uint256 tcbInfoSignature; uint256 qeIdentity; uint256 qeIdentitySignature; uint256 quote; uint256 numbers; uint256 numbersSignature; bytes32 x; bytes32 y; uint256 tcbInfoNumber; uint256 qeIdentityNumber; uint256 expected; uint256[] refusedDocuments; uint256[] refusedSignatures; uint256[] refusedLists; }',
])

/** Bytes of a file of cases. */
export function encodeCases(cases: readonly OnchainCase[]): Uint8Array {
  const parts = new Map<Hex, bigint>()
  const put = (part: Hex): bigint => {
    const known = parts.get(part)
    if (known !== undefined) return known
    const index = BigInt(parts.size)
    parts.set(part, index)
    return index
  }
  const rows = cases.map((one) => ({
    id: one.id,
    time: one.time,
    rootHash: one.rootHash,
    roots: one.roots.map(put),
    authorities: one.authorities.map(put),
    pck: put(one.pck),
    rootCrl: put(one.rootCrl),
    pckCrl: put(one.pckCrl),
    tcbInfo: put(one.tcbInfo),
    tcbInfoSignature: put(one.tcbInfoSignature),
    qeIdentity: put(one.qeIdentity),
    qeIdentitySignature: put(one.qeIdentitySignature),
    quote: put(one.quote),
    numbers: put(one.numbers),
    numbersSignature: put(one.numbersSignature),
    x: one.x,
    y: one.y,
    tcbInfoNumber: BigInt(one.tcbInfoNumber),
    qeIdentityNumber: BigInt(one.qeIdentityNumber),
    expected: BigInt(one.expected),
    refusedDocuments: (one.refusedDocuments ?? []).map(({ document }) => put(document)),
    refusedSignatures: (one.refusedDocuments ?? []).map(({ signature }) => put(signature)),
    refusedLists: (one.refusedLists ?? []).map(put),
  }))
  return hexToBytes(encodeAbiParameters(FORM, [[...parts.keys()], rows]))
}

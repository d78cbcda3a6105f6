import { concatBytes, utf8 } from '../../bytes/bytes.ts'
import { keccak256 } from '../../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../../bytes/hex.ts'
import { asHex, asObject } from '../../protocol/shape.ts'
import type { AnchoredEpoch, EpochPlace } from '../../protocol/log/inclusion-proof.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { parseJsonObject } from '../../protocol/json-object.ts'
import { fetchAnswer, withDeadline } from '../../collateral/fetch-answer.ts'
import { CollateralFetchError } from '../../collateral/collateral-fetch-error.ts'
import { UnreachableError } from '../node/fetch-evidence.ts'
import { UsageError } from '../usage-error.ts'

const TIMEOUT_MS = 15_000
const MAX_ANSWER_BYTES = 64 * 1024
const EPOCH_OF = 'epochOf(bytes32,uint64)'
/** `root, digest, size, anchoredAt, blockNumber`. */
const WORDS = 5

/** Blocks, its own counted, under which an epoch is believed. */
export const ROOT_CONFIRMATIONS = 12

/** The number of `--confirmations`, {@link ROOT_CONFIRMATIONS} without one. @throws UsageError */
export function parseConfirmations(text: string | undefined): number {
  const count = Number(text ?? ROOT_CONFIRMATIONS)
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count
  throw new UsageError('--confirmations: expected 1 to 256')
}

/**
 * What ReceiptRoots says of an epoch, over an RPC that is believed: it is the caller's.
 * @throws UnreachableError where it does not answer, is of another chain, or knows no such epoch under so many blocks
 */
export async function fetchAnchoredEpoch(
  rpc: URL,
  place: EpochPlace,
  confirmations: number,
): Promise<AnchoredEpoch> {
  const { roots, bindingId, epoch } = place
  const chainId = await ask(rpc, 'eth_chainId', [])
  if (BigInt(chainId) !== roots.chainId) {
    throw new UnreachableError(`${rpc.origin}: chain ${BigInt(chainId)}, not ${roots.chainId}`)
  }
  const selector = keccak256(utf8(EPOCH_OF)).subarray(0, 4)
  const data = toHex(concatBytes(selector, fromHex(bindingId, 32), word(BigInt(epoch))))
  const answer = await ask(rpc, 'eth_call', [{ to: roots.verifyingContract, data }, 'latest'])
  const words = answer.length === 2 + WORDS * 64 ? answer.slice(2).match(/.{64}/g) : null
  const [root, digest, size, anchoredAt, blockNumber] = words ?? []
  if (root === undefined || digest === undefined || BigInt(`0x${size}`) === 0n) {
    throw new UnreachableError(`${rpc.origin}: no epoch ${epoch} of binding ${bindingId}`)
  }
  const depth = BigInt(await ask(rpc, 'eth_blockNumber', [])) - BigInt(`0x${blockNumber}`) + 1n
  if (depth < BigInt(confirmations)) {
    const text = `epoch ${epoch} under ${depth} blocks, expected ${confirmations}`
    throw new UnreachableError(`${rpc.origin}: ${text}`)
  }
  return {
    ...place,
    root: asHex(`0x${root}`, 'root', 32),
    digest: asHex(`0x${digest}`, 'digest', 32),
    size: Number(BigInt(`0x${size}`)),
    anchoredAt: Number(BigInt(`0x${anchoredAt}`)),
  }
}

async function ask(rpc: URL, method: string, params: readonly unknown[]): Promise<Hex> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const post = (url: string, init: RequestInit): Promise<Response> =>
    fetch(url, { ...init, method: 'POST', body, headers: { 'content-type': 'application/json' } })
  try {
    const answer = await withDeadline(TIMEOUT_MS, (signal) =>
      fetchAnswer(post, rpc.href, MAX_ANSWER_BYTES, signal),
    )
    const { result, error } = parseJsonObject(answer.body, method)
    if (typeof result === 'string' && /^0x[0-9a-f]*$/.test(result)) return result as Hex
    const text = error === undefined ? 'no result' : String(asObject(error, 'error')['message'])
    throw new UnreachableError(`${rpc.origin}: ${method}: ${text.slice(0, 200)}`)
  } catch (cause) {
    if (!(cause instanceof CollateralFetchError || cause instanceof ProtocolError)) throw cause
    const why = cause instanceof CollateralFetchError ? cause.code : cause.message
    throw new UnreachableError(`${rpc.origin}: ${method}: ${why}`, { cause })
  }
}

function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`, 32)
}

import { randomBytes32 } from '../../bytes/random.ts'
import { decodeUtf8 } from '../../bytes/bytes.ts'
import { fromHex, toHex, type Hex } from '../../bytes/hex.ts'
import { parsePolicy, VerifierError, type AppraisalPolicy } from '../../index.ts'
import type { ContractDomain } from '../../protocol/eip712.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { parseNonce, type Freshness } from '../../protocol/report-data.ts'
import { readFileBytes } from '../read/read-file.ts'
import { UsageError } from '../usage-error.ts'

const MAX_POLICY_BYTES = 4 * 1024 * 1024

/** A node's address, below which `/v1/attestation` stands. @throws UsageError */
export function parseNodeUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError(`URL: expected http:// or https://, got ${JSON.stringify(text)}`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError('URL: expected no user name, query or fragment')
  }
  return url
}

/** The nonce of `--nonce`; a fresh one without it. @throws UsageError */
export function parseNonceFlag(text: string | undefined): Uint8Array {
  if (text === undefined) return randomBytes32()
  try {
    return fromHex(parseNonce(text.replace(/^0x/, '')))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new UsageError(`--nonce: expected 64 lowercase hex digits, not all zero`, {
      cause: error,
    })
  }
}

/** What a bundle answered: exactly one of `--nonce` and `--block NUMBER:HASH`. @throws UsageError */
export function parseFreshness(flags: {
  readonly nonce?: string | undefined
  readonly block?: string | undefined
}): Freshness {
  const { nonce, block } = flags
  if ((nonce === undefined) === (block === undefined)) {
    throw new UsageError('expected one of --block and --nonce')
  }
  if (block === undefined) return { kind: 'challenge', nonce: toHex(parseNonceFlag(nonce)) }
  const [, number, hash] = /^(0|[1-9]\d{0,18}):(0x[0-9a-f]{64})$/.exec(block) ?? []
  if (number === undefined || hash === undefined) {
    throw new UsageError('--block: expected NUMBER:HASH, the hash 0x and 64 lowercase hex digits')
  }
  return { kind: 'registration', blockNumber: BigInt(number), blockHash: hash as Hex }
}

/** The registry of `--registry CHAINID:ADDRESS`. @throws UsageError */
export function parseRegistry(text: string | undefined): ContractDomain {
  return parseContract(text, '--registry')
}

/** A contract flag, `CHAINID:ADDRESS`. @throws UsageError */
export function parseContract(text: string | undefined, flag: string): ContractDomain {
  const [chainId = '', address, ...rest] = (text ?? '').split(':')
  if (!/^[1-9]\d{0,18}$/.test(chainId) || rest.length > 0) {
    throw new UsageError(`${flag}: expected CHAINID:ADDRESS, such as 8453:0x…`)
  }
  return { chainId: BigInt(chainId), verifyingContract: parseAddress(address, flag) }
}

/** An address flag, 20 bytes of hex with `0x`. @throws UsageError */
export function parseAddress(text: string | undefined, flag: string): Hex {
  if (text === undefined || !/^0x[0-9a-fA-F]{40}$/.test(text)) {
    throw new UsageError(`${flag}: expected an address, 0x and 40 hex digits`)
  }
  return text.toLowerCase() as Hex
}

/** The agent of `--agent`. @throws UsageError */
export function parseAgentId(text: string | undefined): bigint {
  if (text === undefined || !/^(0|[1-9]\d{0,77})$/.test(text)) {
    throw new UsageError('--agent: expected a number, the id of the agent (ERC-8004)')
  }
  return BigInt(text)
}

/** The appraisal policy of `--policy`. @throws UsageError */
export async function readAppraisalPolicy(path: string | undefined): Promise<AppraisalPolicy> {
  if (path === undefined) throw new UsageError('--policy: missing; nothing is accepted without one')
  const bytes = await readFileBytes(path, MAX_POLICY_BYTES)
  try {
    return parsePolicy(decodeUtf8(bytes, 'policy'))
  } catch (error) {
    if (!(error instanceof VerifierError || error instanceof ProtocolError)) throw error
    throw new UsageError(`--policy ${path}: ${error.message}`, { cause: error })
  }
}

import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { keccak256 } from '../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../bytes/hex.ts'
import { ProtocolError } from './protocol-error.ts'

/** The contract, on its chain, in whose EIP-712 domain something is signed. */
export interface ContractDomain {
  readonly chainId: bigint
  readonly verifyingContract: Hex
}

/** Atomic types our structs are made of; each is one 32-byte word. */
export type WordType = 'address' | 'bytes32' | 'uint8' | 'uint32' | 'uint64' | 'uint128' | 'uint256'

/** A struct type of atomic members, in order (EIP-712 `encodeType`). */
export interface StructType {
  readonly name: string
  readonly members: readonly (readonly [name: string, type: WordType])[]
}

export type WordValue = bigint | number | Hex

/** Keccak-256, 32 bytes; for who has a faster one than this package's own. */
export type Keccak256 = (bytes: Uint8Array) => Uint8Array

const UINT64_MAX = 2n ** 64n - 1n

const UINT_BITS: Readonly<Partial<Record<WordType, number>>> = {
  uint8: 8,
  uint32: 32,
  uint64: 64,
  uint128: 128,
  uint256: 256,
}

const WORD_BYTES = 32

/** One ABI word. Throws `INPUT_FIELD` when the value does not fit the type. */
export function abiWord(type: WordType, value: WordValue, place: string): Uint8Array<ArrayBuffer> {
  const word = new Uint8Array(WORD_BYTES)
  writeWord(word, 0, type, value, place)
  return word
}

/** Writes one ABI word over zeros. */
function writeWord(
  into: Uint8Array<ArrayBuffer>,
  at: number,
  type: WordType,
  value: WordValue,
  place: string,
): void {
  const bits = UINT_BITS[type]
  if (bits === undefined) {
    if (typeof value !== 'string') {
      throw new ProtocolError('INPUT_FIELD', `${place}: expected hex for ${type}`)
    }
    const bytes = fromHex(value, type === 'address' ? 20 : WORD_BYTES, place)
    into.set(bytes, at + WORD_BYTES - bytes.length)
    return
  }
  if (typeof value === 'string' || (typeof value === 'number' && !Number.isSafeInteger(value))) {
    throw new ProtocolError('INPUT_FIELD', `${place}: expected an integer for ${type}`)
  }
  if (typeof value === 'number' && value >= 0 && value < 2 ** Math.min(bits, 32)) {
    for (let end = at + WORD_BYTES - 1, rest = value; rest !== 0; end--, rest >>>= 8) {
      into[end] = rest & 0xff
    }
    return
  }
  const integer = BigInt(value)
  if (integer < 0n || integer >> BigInt(bits) !== 0n) {
    throw new ProtocolError('INPUT_FIELD', `${place}: does not fit ${type}`)
  }
  const view = new DataView(into.buffer, into.byteOffset + at, WORD_BYTES)
  let rest = integer
  // From the low end; a small number is one piece.
  for (let end = WORD_BYTES; rest !== 0n; end -= 8, rest >>= 64n) {
    view.setBigUint64(end - 8, rest & UINT64_MAX)
  }
}

/** `abi.encode` of atomic values. */
export function abiEncode(
  ...words: readonly (readonly [type: WordType, value: WordValue, place: string])[]
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(words.length * WORD_BYTES)
  for (const [index, [type, value, place]] of words.entries()) {
    writeWord(bytes, index * WORD_BYTES, type, value, place)
  }
  return bytes
}

/** Types are constants of this package. */
const typeHashes = new WeakMap<StructType, Uint8Array<ArrayBuffer>>()

/** EIP-712 `typeHash`. */
export function typeHash(type: StructType): Uint8Array<ArrayBuffer> {
  const known = typeHashes.get(type) ?? hashType(type)
  typeHashes.set(type, known)
  return known
}

function hashType(type: StructType): Uint8Array<ArrayBuffer> {
  const members = type.members.map(([name, memberType]) => `${memberType} ${name}`).join(',')
  return keccak256(utf8(`${type.name}(${members})`))
}

const DOMAIN_TYPE_HASH = keccak256(
  utf8('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
)

/** EIP-712 digest of a struct of atomic members in the domain {name, version "1", chainId, verifyingContract}. */
export function typedDataDigest(
  domainName: string,
  domain: ContractDomain,
  type: StructType,
  values: Readonly<Record<string, WordValue>>,
  hash: Keccak256 = keccak256,
): Hex {
  const separator = separatorOf(domainName, domain)
  const struct = new Uint8Array(WORD_BYTES * (1 + type.members.length))
  struct.set(typeHash(type))
  let at = WORD_BYTES
  for (const [name, memberType] of type.members) {
    const value = values[name]
    if (value === undefined) throw new ProtocolError('INPUT_FIELD', `${type.name}.${name}: missing`)
    writeWord(struct, at, memberType, value, `${type.name}.${name}`)
    at += WORD_BYTES
  }
  const digested = new Uint8Array(2 + 2 * WORD_BYTES)
  digested.set(PREFIX)
  digested.set(separator, PREFIX.length)
  digested.set(hash(struct), PREFIX.length + WORD_BYTES)
  return toHex(hash(digested))
}

/** Of the digests of typed data (EIP-191 version 0x01). */
const PREFIX = Uint8Array.of(0x19, 0x01)

/** Separators that were asked for: a process signs and judges in few domains. */
const separators = new Map<string, Uint8Array<ArrayBuffer>>()
const MAX_SEPARATORS = 64

function separatorOf(domainName: string, domain: ContractDomain): Uint8Array<ArrayBuffer> {
  const name = `${domainName} ${domain.chainId} ${domain.verifyingContract}`
  const known = separators.get(name)
  if (known !== undefined) return known
  const separator = keccak256(
    concatBytes(
      DOMAIN_TYPE_HASH,
      keccak256(utf8(domainName)),
      keccak256(utf8('1')),
      abiWord('uint256', domain.chainId, 'domain.chainId'),
      abiWord('address', domain.verifyingContract, 'domain.verifyingContract'),
    ),
  )
  if (separators.size >= MAX_SEPARATORS) separators.clear()
  separators.set(name, separator)
  return separator
}

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

const UINT_BITS: Readonly<Partial<Record<WordType, number>>> = {
  uint8: 8,
  uint32: 32,
  uint64: 64,
  uint128: 128,
  uint256: 256,
}

/** One ABI word. Throws `INPUT_FIELD` when the value does not fit the type. */
export function abiWord(type: WordType, value: WordValue, place: string): Uint8Array<ArrayBuffer> {
  const bits = UINT_BITS[type]
  if (bits === undefined) {
    if (typeof value !== 'string') {
      throw new ProtocolError('INPUT_FIELD', `${place}: expected hex for ${type}`)
    }
    const word = new Uint8Array(32)
    const bytes = fromHex(value, type === 'address' ? 20 : 32, place)
    word.set(bytes, 32 - bytes.length)
    return word
  }
  if (typeof value === 'string' || (typeof value === 'number' && !Number.isSafeInteger(value))) {
    throw new ProtocolError('INPUT_FIELD', `${place}: expected an integer for ${type}`)
  }
  const integer = BigInt(value)
  if (integer < 0n || integer >> BigInt(bits) !== 0n) {
    throw new ProtocolError('INPUT_FIELD', `${place}: does not fit ${type}`)
  }
  return fromHex(`0x${integer.toString(16).padStart(64, '0')}`)
}

/** `abi.encode` of atomic values. */
export function abiEncode(
  ...words: readonly (readonly [type: WordType, value: WordValue, place: string])[]
): Uint8Array<ArrayBuffer> {
  return concatBytes(...words.map(([type, value, place]) => abiWord(type, value, place)))
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
): Hex {
  const separator = separatorOf(domainName, domain)
  const words = type.members.map(([name, memberType]) => {
    const value = values[name]
    if (value === undefined) throw new ProtocolError('INPUT_FIELD', `${type.name}.${name}: missing`)
    return abiWord(memberType, value, `${type.name}.${name}`)
  })
  const struct = keccak256(concatBytes(typeHash(type), ...words))
  return toHex(keccak256(concatBytes(Uint8Array.of(0x19, 0x01), separator, struct)))
}

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

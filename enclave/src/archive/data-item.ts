import {
  concatBytes,
  fromHex,
  secp256k1PublicPoint,
  sha256,
  signPersonalBytes,
  utf8,
} from '@jeju/verifier/protocol'
import { deepHash } from './deep-hash.ts'

/** A name and a value that stand with content on Arweave. */
export interface Tag {
  readonly name: string
  readonly value: string
}

/** A data item as bundlers take it, and the id that it is found by. */
export interface DataItem {
  readonly id: Uint8Array
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** ANS-104 signature type 3: secp256k1 over Ethereum's personal message, owner is the uncompressed point. */
const ETHEREUM = 3
const ABSENT = new Uint8Array([0])
/** ANS-104 §2.1. */
const MAX_TAGS = 128
const MAX_TAG_BYTES = 4096

/**
 * Signs content as an ANS-104 data item of an Ethereum key, which is whom the registry names: whoever finds the item can look up
 * whose node archived it. The prefix of personal messages keeps such a signature from being one over typed data or a
 * transaction. The same content under the same key and tags is the same item.
 * @throws RangeError for tags that no bundler takes
 */
export function makeDataItem(
  content: Uint8Array,
  tags: readonly Tag[],
  privateKey: Uint8Array,
): DataItem {
  const owner = secp256k1PublicPoint(privateKey)
  const encodedTags = encodeTags(tags)
  const [target, anchor] = [new Uint8Array(), new Uint8Array()]
  const message = deepHash([
    utf8('dataitem'),
    utf8('1'),
    utf8(String(ETHEREUM)),
    owner,
    target,
    anchor,
    encodedTags,
    content,
  ])
  const signature = fromHex(signPersonalBytes(message, privateKey), 65)
  const bytes = concatBytes(
    littleEndian(ETHEREUM, 2),
    signature,
    owner,
    ABSENT,
    ABSENT,
    littleEndian(tags.length, 8),
    littleEndian(encodedTags.length, 8),
    encodedTags,
    content,
  )
  return { id: sha256(signature), bytes }
}

/** Avro array of `{name, value}` records: one block, then an empty one. */
function encodeTags(tags: readonly Tag[]): Uint8Array {
  const named = tags.map(({ name, value }) => [utf8(name), utf8(value)] as const)
  const encoded = concatBytes(
    zigzag(tags.length),
    ...named.flatMap(([name, value]) => [zigzag(name.length), name, zigzag(value.length), value]),
    zigzag(0),
  )
  const isEmpty = named.some(([name, value]) => name.length === 0 || value.length === 0)
  if (tags.length === 0 || tags.length > MAX_TAGS || isEmpty || encoded.length > MAX_TAG_BYTES) {
    throw new RangeError(
      `tags: expected 1 to ${MAX_TAGS} in ${MAX_TAG_BYTES} bytes, none of them empty`,
    )
  }
  return encoded
}

/** Avro's `long` for what is not negative. */
function zigzag(value: number): Uint8Array {
  const octets: number[] = []
  let rest = value * 2
  while (rest >= 0x80) {
    octets.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return new Uint8Array([...octets, rest])
}

function littleEndian(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0, rest = value; at < length; at++, rest = Math.floor(rest / 0x100)) {
    bytes[at] = rest % 0x100
  }
  return bytes
}

import { expect } from 'vitest'
import {
  addressOf,
  concatBytes,
  keccak256,
  recoverAddress,
  secp256k1PublicKey,
  ed25519PublicKey,
  toBareHex,
  toHex,
  utf8,
} from '@jeju/verifier/protocol'
import type { SimulatedTd } from '@jeju/simulator'

/** dstack's rule for a v0 chain: app root over `purpose:hex(public key)`, KMS root over the app root. */
export function verifyKeyChain(
  td: SimulatedTd,
  algorithm: 'secp256k1' | 'ed25519',
  purpose: string,
  key: Uint8Array,
  links: readonly Uint8Array[],
): void {
  const [link, rootLink] = links.map((bytes) => toHex(withEthereumV(bytes)))
  if (link === undefined || rootLink === undefined) throw new Error('expected two links')
  const publicKey = algorithm === 'ed25519' ? ed25519PublicKey(key) : secp256k1PublicKey(key)
  const claim = utf8(`${purpose}:${toBareHex(publicKey)}`)
  const { appRoot } = td.keys
  expect(recoverAddress(toHex(keccak256(claim)), link)).toBe(addressOf(appRoot))
  const issued = concatBytes(utf8('dstack-kms-issued:'), td.appId, secp256k1PublicKey(appRoot))
  expect(recoverAddress(toHex(keccak256(issued)), rootLink)).toBe(
    addressOf(td.platform.kms.rootKey),
  )
}

function withEthereumV(link: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(link)
  changed[64] = 27 + (changed[64] ?? 0)
  return changed
}

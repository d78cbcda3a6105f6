import type { RandomSource } from '../pki/random-source.ts'
import { generateKeyPair, publicPoint, type KeyPair } from '../pki/signing-key.ts'

/** Everybody who holds a key in a forged PKI; `attacker` is nobody the root knows. */
export type KeyName = 'root' | 'intermediate' | 'leaf' | 'signer' | 'attestation' | 'attacker'

/** A key pair with its public point, x ‖ y. */
export interface ForgeKey {
  readonly pair: KeyPair
  readonly point: Uint8Array
}

/** The keys of a forged PKI. */
export type ForgeKeys = Readonly<Record<KeyName, ForgeKey>>

/** Keys out of the source's bytes. */
export async function createKeys(random: RandomSource): Promise<ForgeKeys> {
  const key = async (name: KeyName): Promise<ForgeKey> => {
    const pair = await generateKeyPair(random, `${name}/key`)
    return { pair, point: await publicPoint(pair) }
  }
  return {
    root: await key('root'),
    intermediate: await key('intermediate'),
    leaf: await key('leaf'),
    signer: await key('signer'),
    attestation: await key('attestation'),
    attacker: await key('attacker'),
  }
}

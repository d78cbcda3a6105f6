import { seededRandom } from '../pki/random-source.ts'
import { writeChains, type ChainChange } from './chains.ts'
import { writeBundle, type Bundle, type CollateralChange } from './collateral.ts'
import { createKeys, type ForgeKeys } from './keys.ts'
import {
  createSerials,
  writePki,
  type CertificateChange,
  type CertificateName,
  type ForgedPki,
} from './pki.ts'
import { writeQuote, type QuoteChange } from './quote.ts'

/** What differs from a genuine quote with genuine collateral; nothing, where it is empty. */
export interface Forgery extends CollateralChange {
  readonly certificates?: Partial<Record<CertificateName, CertificateChange>>
  readonly chains?: ChainChange
  readonly quote?: QuoteChange
}

/** Quote and collateral under a root of their own. */
export interface Forged {
  readonly quote: Uint8Array
  readonly bundle: Bundle
  readonly pki: ForgedPki
  /** What a verifier must be given by name to trust the whole. */
  readonly rootCertificateDer: Uint8Array
}

/** Makes forgeries that share keys and serial numbers, so that each differs from the genuine one only where it says. */
export interface Forge {
  readonly keys: ForgeKeys
  /** Everything unchanged is in force at this time. */
  readonly at: Date
  make(forgery: Forgery): Forged
}

/**
 * A forge whose keys follow from a seed. Equal seed, time and forgery give equal bytes: signatures are those of
 * RFC 6979.
 */
export async function createForge(seed: string, at: Date): Promise<Forge> {
  const random = seededRandom(seed)
  const keys = await createKeys(random)
  const world = { keys, serials: createSerials(random), at }
  return {
    keys,
    at,
    make: ({ certificates = {}, chains: chainChange = {}, quote = {}, ...collateral }) => {
      const pki = writePki(certificates, world)
      const chains = writeChains(chainChange, pki)
      return {
        quote: writeQuote(quote, chains.pck, pki.leaf.key, keys),
        bundle: writeBundle(collateral, pki, chains, world),
        pki,
        rootCertificateDer: pki.root.der,
      }
    },
  }
}

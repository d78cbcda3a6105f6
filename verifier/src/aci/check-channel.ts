import { failed, passed, type Check } from '../report/check.ts'
import { isKnownAlgorithm } from './custody.ts'
import type { AciKeyset } from './keyset.ts'

/** What a client is going to send over: a TLS connection it observed, or a key it seals to. */
export type AciChannel =
  | {
      readonly kind: 'tls'
      /** Name the connection was made to. */
      readonly hostname: string
      /** SHA-256 of the SubjectPublicKeyInfo seen on that very connection, bare hex. */
      readonly spkiSha256: string
    }
  | {
      readonly kind: 'sealed'
      /** Bare hex. */
      readonly publicKey: string
    }

/**
 * `channel`: the keyset lists the key of the channel in use, a TLS key for that name (id-6; attack C9). A name
 * limits an entry; an entry without one holds for every name.
 */
export function checkChannel(keyset: AciKeyset, channel: AciChannel): Check<'channel'> {
  const name = 'channel'
  if (channel.kind === 'sealed') {
    // An entry of an algorithm that nobody here knows is ignored: its custody was not asked for either.
    const key = keyset.e2eeKeys.find(
      ({ algo, public_key }) => public_key === channel.publicKey && isKnownAlgorithm(algo),
    )
    return key === undefined
      ? failed(name, 'a sealing key of the keyset', channel.publicKey.slice(0, 64))
      : passed(name, { sealed: key.algo })
  }
  const { hostname, spkiSha256 } = channel
  const listed = keyset.tlsKeys.filter(
    ({ domain }) => domain === null || domain.toLowerCase() === hostname.toLowerCase(),
  )
  return listed.some(({ spki_sha256 }) => spki_sha256 === spkiSha256)
    ? passed(name, { tls: spkiSha256, hostname })
    : failed(name, `a TLS key listed for ${hostname}`, spkiSha256)
}

import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { GuestAgentError, type GuestAgent } from '../guest-agent/guest-agent.ts'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'

/** A TLS key whose private half exists in this TD alone. */
export interface TlsKey {
  /** Hostname the certificate is for. */
  readonly domain: string
  /** PEM, PKCS#8. */
  readonly privateKey: string
  /** PEM, leaf first. */
  readonly certificateChain: readonly string[]
  /** SHA-256 of the leaf's SubjectPublicKeyInfo, 32 bytes: renewal with the same key keeps it. */
  readonly spkiSha256: Uint8Array<ArrayBuffer>
}

const stored = z.strictObject({
  domain: z.string(),
  privateKey: z.string(),
  certificateChain: z.array(z.string()).min(1).max(8),
})

const FILE = 'tls-key.json'
/** A certificate is asked for anew when less than this is left of it. */
const MIN_REMAINING_MS: number = 30 * 24 * 3600 * 1000

/**
 * The node's RA-TLS key (dstack `GetTlsKey`). The platform gives another key with every call, and the keyset names it,
 * so it is kept on the TD's encrypted disk: a restart must find the same binding.
 * @throws GuestAgentError
 */
export async function openTlsKey(
  agent: GuestAgent,
  stateDir: string,
  domain: string,
  now: Date,
): Promise<TlsKey> {
  const file = join(stateDir, FILE)
  const kept = readStored((await readIfPresent(file))?.toString('utf8'))
  if (kept?.domain === domain && endsAfter(kept.certificateChain, now)) return kept
  const { privateKey, certificateChain } = await agent.tlsKey(domain)
  const fresh = withDigest({ domain, privateKey, certificateChain: [...certificateChain] })
  if (fresh === undefined) {
    throw new GuestAgentError('GUEST_AGENT_ANSWER', 'GetTlsKey: key and certificate do not match')
  }
  await writeDurably(file, JSON.stringify({ domain, privateKey, certificateChain }))
  return fresh
}

function readStored(text: string | undefined): TlsKey | undefined {
  if (text === undefined) return undefined
  try {
    return withDigest(stored.parse(JSON.parse(text)))
  } catch {
    // Half a file, or another program's: a new key, and with it a new binding, is the only way on.
    return undefined
  }
}

/** Undefined when the leaf is not a certificate of that private key. */
function withDigest(key: z.infer<typeof stored>): TlsKey | undefined {
  const [leaf = ''] = key.certificateChain
  const certificate = new X509Certificate(leaf)
  if (!certificate.checkPrivateKey(createPrivateKey(key.privateKey))) return undefined
  const keyInfo = certificate.publicKey.export({ format: 'der', type: 'spki' })
  const spkiSha256 = new Uint8Array(createHash('sha256').update(keyInfo).digest())
  return { ...key, spkiSha256 }
}

function endsAfter([leaf = '']: readonly string[], now: Date): boolean {
  return Date.parse(new X509Certificate(leaf).validTo) - now.getTime() > MIN_REMAINING_MS
}

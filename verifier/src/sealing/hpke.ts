import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { utf8 } from '../bytes/bytes.ts'
import { SealingError } from './sealing-error.ts'
import { X_WING, type SealingKey, type SealingSuite } from './suite.ts'
import { XWingKem } from './x-wing.ts'

/** HPKE base mode (RFC 9180 §5.1.1) as far as sealed bodies need it; the only file that knows the library. */

const NO_AAD = new Uint8Array(0)
const RESPONSE_SECRET_BYTES = 32

/** Seals the pieces of one request, in order. */
export interface RequestSealing {
  readonly encapsulated: Uint8Array<ArrayBuffer>
  seal(plaintext: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
  /** The secret that the answer is sealed with, 32 bytes. */
  responseSecret(): Promise<Uint8Array<ArrayBuffer>>
}

/** Opens the pieces of one request, in order. */
export interface RequestOpening {
  /** @throws SealingError `SEALED_OPEN` */
  open(ciphertext: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
  responseSecret(): Promise<Uint8Array<ArrayBuffer>>
}

/** Starts sealing to a key. @throws SealingError `SEALED_KEY` */
export async function startSealing({ suite, publicKey }: SealingKey): Promise<RequestSealing> {
  const hpke = cipherSuite(suite)
  const context = await keyed(async () =>
    hpke.createSenderContext({
      recipientPublicKey: await hpke.kem.deserializePublicKey(publicKey),
      info: utf8(suite.requestInfo),
    }),
  )
  return {
    encapsulated: new Uint8Array(context.enc),
    seal: async (plaintext) => new Uint8Array(await context.seal(plaintext, NO_AAD)),
    responseSecret: async () =>
      new Uint8Array(await context.export(utf8(suite.responseLabel), RESPONSE_SECRET_BYTES)),
  }
}

/** Starts opening what was sealed to a 32-byte private key. @throws SealingError `SEALED_OPEN` */
export async function startOpening(
  suite: SealingSuite,
  privateKey: Uint8Array,
  encapsulated: Uint8Array,
): Promise<RequestOpening> {
  const hpke = cipherSuite(suite)
  const recipientKey = await keyed(() => hpke.kem.deserializePrivateKey(privateKey))
  const info = utf8(suite.requestInfo)
  const context = await opened(() =>
    hpke.createRecipientContext({ recipientKey, enc: encapsulated, info }),
  )
  return {
    open: async (ciphertext) =>
      new Uint8Array(await opened(() => context.open(ciphertext, NO_AAD))),
    responseSecret: async () =>
      new Uint8Array(await context.export(utf8(suite.responseLabel), RESPONSE_SECRET_BYTES)),
  }
}

function cipherSuite(suite: SealingSuite): CipherSuite {
  return new CipherSuite({
    kem: suite === X_WING ? new XWingKem() : new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  })
}

async function keyed<Value>(make: () => Promise<Value>): Promise<Value> {
  try {
    return await make()
  } catch {
    throw new SealingError('SEALED_KEY', 'not a key of this suite')
  }
}

/** One shape for whatever went wrong: which step it was is nobody's business (EHBP, error handling). */
async function opened<Value>(open: () => Promise<Value>): Promise<Value> {
  try {
    return await open()
  } catch {
    throw new SealingError('SEALED_OPEN', 'does not open under this key')
  }
}

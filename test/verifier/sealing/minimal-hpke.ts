import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  createHmac,
  type KeyObject,
} from 'node:crypto'

// HPKE base mode for X25519 (RFC 9180 §4, §5) on Node's own primitives: what our sealing is compared with. It shares
// no code with the product and no library with it.

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')
const i2osp = (value: number, length: number): Buffer => {
  const bytes = Buffer.alloc(length)
  bytes.writeUIntBE(value, 0, length)
  return bytes
}
const extract = (salt: Buffer, ikm: Buffer): Buffer =>
  createHmac('sha256', salt.length === 0 ? Buffer.alloc(32) : salt)
    .update(ikm)
    .digest()

function expand(prk: Buffer, info: Buffer, length: number): Buffer {
  let block: Buffer = Buffer.alloc(0)
  const out: Buffer[] = []
  for (let index = 1; Buffer.concat(out).length < length; index++) {
    block = createHmac('sha256', prk)
      .update(Buffer.concat([block, info, i2osp(index, 1)]))
      .digest()
    out.push(block)
  }
  return Buffer.concat(out).subarray(0, length)
}

class Labeled {
  readonly #suiteId: Buffer

  constructor(suiteId: Buffer) {
    this.#suiteId = suiteId
  }

  extract(salt: Buffer, label: string, ikm: Buffer): Buffer {
    return extract(salt, Buffer.concat([ascii('HPKE-v1'), this.#suiteId, ascii(label), ikm]))
  }

  expand(prk: Buffer, label: string, info: Buffer, length: number): Buffer {
    const labeled = [i2osp(length, 2), ascii('HPKE-v1'), this.#suiteId, ascii(label), info]
    return expand(prk, Buffer.concat(labeled), length)
  }
}

const KEM_ID = 0x0020
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
const SPKI = Buffer.from('302a300506032b656e032100', 'hex')

export function x25519Private(raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, raw]), format: 'der', type: 'pkcs8' })
}

export function x25519Public(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' })
}

export function rawPublic(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(SPKI.length)
}

/** Shared secret of DHKEM(X25519, HKDF-SHA256). */
function kemSecret(dh: Buffer, enc: Buffer, recipient: Buffer): Buffer {
  const labeled = new Labeled(Buffer.concat([ascii('KEM'), i2osp(KEM_ID, 2)]))
  const prk = labeled.extract(Buffer.alloc(0), 'eae_prk', dh)
  return labeled.expand(prk, 'shared_secret', Buffer.concat([enc, recipient]), 32)
}

/** One direction of a context. `aead` 1 is AES-128-GCM, 2 is AES-256-GCM. */
export class MinimalContext {
  readonly #labeled: Labeled
  readonly #key: Buffer
  readonly #nonce: Buffer
  readonly #exporter: Buffer
  readonly #cipher: 'aes-128-gcm' | 'aes-256-gcm'
  #sequence = 0

  constructor(shared: Buffer, info: Buffer, aead: 1 | 2) {
    this.#cipher = aead === 1 ? 'aes-128-gcm' : 'aes-256-gcm'
    this.#labeled = new Labeled(
      Buffer.concat([ascii('HPKE'), i2osp(KEM_ID, 2), i2osp(1, 2), i2osp(aead, 2)]),
    )
    const none = Buffer.alloc(0)
    const context = Buffer.concat([
      i2osp(0, 1),
      this.#labeled.extract(none, 'psk_id_hash', none),
      this.#labeled.extract(none, 'info_hash', info),
    ])
    const secret = this.#labeled.extract(shared, 'secret', none)
    this.#key = this.#labeled.expand(secret, 'key', context, aead === 1 ? 16 : 32)
    this.#nonce = this.#labeled.expand(secret, 'base_nonce', context, 12)
    this.#exporter = this.#labeled.expand(secret, 'exp', context, 32)
  }

  /** As sender, with an ephemeral key of its own making or a given one. */
  static send(
    recipient: Uint8Array,
    info: Buffer,
    aead: 1 | 2,
    ephemeral: KeyObject = generateKeyPairSync('x25519').privateKey,
  ): { readonly enc: Buffer; readonly context: MinimalContext } {
    const enc = rawPublic(createPublicKey(ephemeral))
    const dh = diffieHellman({ privateKey: ephemeral, publicKey: x25519Public(recipient) })
    const shared = kemSecret(dh, enc, Buffer.from(recipient))
    return { enc, context: new MinimalContext(shared, info, aead) }
  }

  static receive(privateKey: KeyObject, enc: Buffer, info: Buffer, aead: 1 | 2): MinimalContext {
    const dh = diffieHellman({ privateKey, publicKey: x25519Public(enc) })
    const recipient = rawPublic(createPublicKey(privateKey))
    return new MinimalContext(kemSecret(dh, enc, recipient), info, aead)
  }

  seal(plaintext: Uint8Array, aad: Buffer = Buffer.alloc(0)): Buffer {
    const cipher = createCipheriv(this.#cipher, this.#key, this.#next())
    cipher.setAAD(aad)
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  export(label: Buffer, length: number): Buffer {
    return this.#labeled.expand(this.#exporter, 'sec', label, length)
  }

  #next(): Buffer {
    const counter = Buffer.alloc(12)
    counter.writeBigUInt64BE(BigInt(this.#sequence++), 4)
    return Buffer.from(this.#nonce.map((byte, at) => byte ^ (counter[at] ?? 0)))
  }
}

/** A whole EHBP request by the specification alone: one frame, and what opens the answer. */
export function minimalEhbpRequest(
  publicKey: Uint8Array,
  body: Uint8Array,
): {
  readonly header: string
  readonly body: Buffer
  open(responseNonce: string, answer: Uint8Array): Buffer
} {
  const { enc, context } = MinimalContext.send(publicKey, ascii('ehbp request'), 2)
  const secret = context.export(ascii('ehbp response'), 32)
  const sealed = context.seal(body)
  return {
    header: enc.toString('hex'),
    body: Buffer.concat([i2osp(sealed.length, 4), sealed]),
    open: (responseNonce, answer) => {
      const salt = Buffer.concat([enc, Buffer.from(responseNonce, 'hex')])
      const derive = (label: string, length: number): Buffer =>
        Buffer.from(hkdfSync('sha256', secret, salt, ascii(label), length))
      const [key, base] = [derive('key', 32), derive('nonce', 12)]
      const opened: Buffer[] = []
      let at = 0
      for (let index = 0; at < answer.length; index++) {
        const length = Buffer.from(answer).readUInt32BE(at)
        const frame = Buffer.from(answer.subarray(at + 4, at + 4 + length))
        if (frame.length !== length) throw new Error('partial frame')
        at += 4 + length
        if (length === 0) continue
        const nonce = Buffer.from(base)
        nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ BigInt(index), 4)
        const decipher = createDecipheriv('aes-256-gcm', key, nonce)
        decipher.setAuthTag(frame.subarray(-16))
        opened.push(decipher.update(frame.subarray(0, -16)), decipher.final())
      }
      return Buffer.concat(opened)
    },
  }
}

import {
  addressOf,
  authDigest,
  AUTHORIZATION_HEADER,
  createResponseHasher,
  encodeAuthorization,
  fromBase64Url,
  keccak256,
  parseComputeReceipt,
  randomBytes32,
  RECEIPT_HEADER,
  requestHash,
  signDigest,
  SseReceiptSplitter,
  toHex,
  utf8,
  type ComputeReceipt,
  type Hex,
  type PromptPath,
  type RequestAuth,
  type SignedRequestAuth,
  type StreamKind,
} from '@jeju/verifier/protocol'
import { servingDomain } from './deployment.ts'
import { MODEL } from './scripted-engine.ts'
import type { TestChain } from './test-chain.ts'

export const CHAT_PATH = '/v1/chat/completions'

/** A body that the scripted engine can answer. */
export function chatBody(members: object = {}): string {
  return JSON.stringify({
    model: MODEL,
    messages: [{ role: 'user', content: 'Wie geht es?' }],
    ...members,
  })
}

/** What a client signs differently from what it should. */
export interface SigningLies extends Partial<RequestAuth> {
  /** Another endpoint. */
  readonly path?: PromptPath
  readonly key?: Uint8Array
}

/** A user with one channel: signs authorisations and reads answers by the protocol's own rules. */
export class TestClient {
  readonly sessionKey: Uint8Array = randomBytes32()
  readonly channelId: Hex = toHex(randomBytes32())
  readonly #bindingId: Hex
  readonly #chain: TestChain
  #nonce = 0n

  constructor(chain: TestChain, bindingId: Hex, locked = 1_000_000n) {
    this.#bindingId = bindingId
    this.#chain = chain
    chain.channels.set(this.channelId, {
      agentId: 0n,
      serviceId: 0,
      priceVersion: 1,
      mode: 'receipt',
      state: 'open',
      locked,
      spent: 0n,
      closeAt: 0n,
      sessionKey: addressOf(this.sessionKey),
    })
  }

  sign(body: string | Uint8Array, lies: SigningLies = {}): SignedRequestAuth {
    const { key = this.sessionKey, path = CHAT_PATH, ...members } = lies
    const salt = toHex(randomBytes32())
    const bytes = typeof body === 'string' ? utf8(body) : body
    const auth: RequestAuth = {
      channelId: this.channelId,
      nonce: this.#nonce++,
      bindingId: this.#bindingId,
      requestHash: requestHash(salt, 'POST', path, bytes),
      maxFee: 1_000n,
      validUntil: this.#chain.now() + 600n,
      ...members,
    }
    return { auth, salt, signature: signDigest(authDigest(auth, servingDomain), key) }
  }

  /** A request to another endpoint, signed for it. */
  to(path: PromptPath, body: string | Uint8Array): { signed: SignedRequestAuth; request: Request } {
    const signed = this.sign(body, { path })
    return { signed, request: this.request(body, signed, path) }
  }

  request(
    body: string | Uint8Array,
    signed: SignedRequestAuth = this.sign(body),
    path: PromptPath = CHAT_PATH,
  ): Request {
    return new Request(`http://node.test${path}`, {
      method: 'POST',
      body: body as string,
      headers: {
        'content-type': 'application/json',
        [AUTHORIZATION_HEADER]: encodeAuthorization(signed),
      },
    })
  }
}

/** The `authHash` of an authorisation. */
export function authHashOf({ auth }: SignedRequestAuth): Hex {
  return authDigest(auth, servingDomain)
}

/** A JSON answer with its receipt, and the hash of the bytes received. */
export async function readJsonAnswer(
  response: Response,
  salt: Hex,
): Promise<{ receipt: ComputeReceipt; responseHash: Hex; text: string }> {
  const body = new Uint8Array(await response.arrayBuffer())
  const header = response.headers.get(RECEIPT_HEADER) ?? ''
  const text = new TextDecoder().decode(fromBase64Url(header))
  const hasher = createResponseHasher(salt)
  hasher.update(body)
  return {
    receipt: parseComputeReceipt(text),
    responseHash: hasher.digest(),
    text: new TextDecoder().decode(body),
  }
}

/** A whole stream with its receipt, and the hash of the covered bytes received. */
export async function readStreamAnswer(
  response: Response,
  salt: Hex,
  kind: StreamKind = 'chat',
): Promise<{ receipt: ComputeReceipt; responseHash: Hex; text: string; covered: string }> {
  const splitter = new SseReceiptSplitter(kind)
  const hasher = createResponseHasher(salt)
  let covered = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    const bytes = splitter.push(chunk)
    hasher.update(bytes)
    covered += decoder.decode(bytes, { stream: true })
  }
  const { receipt, held } = splitter.end()
  hasher.update(held)
  covered += decoder.decode(held)
  const text = kind === 'chat' ? contentOf(covered) : ''
  return { receipt, responseHash: hasher.digest(), text, covered }
}

/** Text of the deltas. */
export function contentOf(covered: string): string {
  return covered
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => {
      const chunk = JSON.parse(frame.slice('data: '.length)) as {
        choices: { delta: { content?: string } }[]
      }
      return chunk.choices[0]?.delta.content ?? ''
    })
    .join('')
}

/** Code of an error document. */
export async function errorOf(
  response: Response,
): Promise<{ status: number; code: string; type: string; param: string | null; message: string }> {
  const { error } = (await response.json()) as {
    error: { code: string; type: string; param: string | null; message: string }
  }
  return { status: response.status, ...error }
}

/** 32 bytes of a name, for hashes that only have to differ. */
export function digestOf(name: string): Hex {
  return toHex(keccak256(utf8(name)))
}

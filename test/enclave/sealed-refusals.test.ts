import { decodeEvidence, PROMPT_ENDPOINTS, randomBytes32, utf8 } from '@jeju/verifier/protocol'
import {
  EHBP_X25519,
  sealRequest,
  x25519PublicKey,
  X_WING,
  xWingPublicKey,
  type SealingKey,
} from '@jeju/verifier/sealing'
import { afterAll, describe, expect, test } from 'vitest'
import { keysOf, open, post } from './setting/sealed-requests.ts'
import { cleanUp, startNode } from './setting/start-node.ts'
import { chatBody, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

const PROMPT_PATHS = Object.keys(PROMPT_ENDPOINTS)

describe('what is not sealed to this node', () => {
  test('another key is 422 with the problem that EHBP clients know, before any work', async () => {
    const running = await startNode()
    const seed = randomBytes32()
    const others: readonly SealingKey[] = [
      { suite: EHBP_X25519, publicKey: x25519PublicKey(seed) },
      { suite: X_WING, publicKey: xWingPublicKey(seed) },
    ]
    for (const key of others) {
      const sealed = await sealRequest(key, utf8(chatBody()))
      const response = await running.fetch(post(sealed, running.client.sign(sealed.body)))
      expect(response.status).toBe(422)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(response.headers.get('ehbp-response-nonce')).toBeNull()
      expect(await response.json()).toMatchObject({
        type: 'urn:ietf:params:ehbp:error:key-config',
      })
    }
    expect(running.engine.requests).toHaveLength(0)
  })

  test('E18 bad_client_key_before_work, E16: malformed headers and frames have one answer', async () => {
    const running = await startNode()
    const key = (await keysOf(running))[0] as SealingKey
    const { body, headers } = await sealRequest(key, utf8(chatBody()))
    const header = headers['ehbp-encapsulated-key'] ?? ''
    const bad: readonly (readonly [string, Uint8Array])[] = [
      ['', body],
      ['zz'.repeat(32), body],
      [header.toUpperCase(), body],
      [header.slice(2), body],
      [header, body.slice(0, -1)],
      [header, new Uint8Array(0)],
      [header, new Uint8Array(5).fill(255)],
      [header, utf8(chatBody())],
    ]
    const answers: string[] = []
    for (const [value, bytes] of bad) {
      const request = post(
        { body: bytes, headers: { 'ehbp-encapsulated-key': value } },
        running.client.sign(bytes),
      )
      const response = await running.fetch(request)
      expect(response.status).toBe(400)
      answers.push(await response.text())
    }
    expect(new Set(answers).size).toBe(1)
    expect(running.engine.requests).toHaveLength(0)
  })

  test('the authorisation is over the sealed bytes: one over the plaintext is for other bytes', async () => {
    const running = await startNode()
    const key = (await keysOf(running))[0] as SealingKey
    const body = chatBody()
    const sealed = await sealRequest(key, utf8(body))
    const response = await running.fetch(post(sealed, running.client.sign(body)))
    const { text } = await open(sealed, response)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'request_hash_mismatch' } })
  })

  test('E8 every_endpoint_sealed_or_refused', async () => {
    const running = await startNode({ config: { prompts: 'sealed' } })
    for (const path of PROMPT_PATHS) {
      const plain = post({ body: utf8(chatBody()), headers: {} }, undefined, path)
      const { status, code } = await errorOf(await running.fetch(plain))
      expect([path, status, code]).toEqual([path, 400, 'sealing_required'])
    }
    const key = (await keysOf(running))[0] as SealingKey
    // A sealed body is answered sealed wherever it is sent, also where nobody answers.
    for (const path of [...PROMPT_PATHS, '/v1/nothing', '/health']) {
      const sealed = await sealRequest(key, utf8('{}'))
      const response = await running.fetch(post(sealed, undefined, path))
      expect([path, response.status >= 400]).toEqual([path, true])
      const { text } = await open(sealed, response)
      expect(JSON.parse(text)).toHaveProperty('error')
    }
    const answer = await running.get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
    const { posture } = decodeEvidence(new Uint8Array(await answer.arrayBuffer()))
    expect(JSON.parse(posture)).toMatchObject({ request_confidentiality: 'sealed' })
  })
})

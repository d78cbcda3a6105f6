import { createHash } from 'node:crypto'
import { connect as connectPlain } from 'node:net'
import { connect } from 'node:tls'
import { once } from 'node:events'
import {
  verifyAciReport,
  verifySigningReport,
  verifyTinfoilDocument,
} from '@jeju/verifier/dialects'
import { decodeEvidence } from '@jeju/verifier/protocol'
import { afterAll, expect, test } from 'vitest'
import { listen } from '../../enclave/src/http/listen.ts'
import { objections } from '../check-names.ts'
import { contextOf } from './setting/relying-party.ts'
import { cleanUp, startNode } from './setting/start-node.ts'

afterAll(cleanUp)

const NONCE = 'ab'.repeat(32)
const SOURCE = {
  repoUrl: 'https://example.org/node',
  repoCommit: '12'.repeat(20),
  imageDigest: null,
}

/** SHA-256 of the SubjectPublicKeyInfo that a port really shows. */
async function observedSpki(port: number): Promise<string> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'node.test',
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw new Error('no certificate')
  const { publicKey } = certificate
  socket.destroy()
  return createHash('sha256')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest('hex')
}

test('C9 spki_checked_on_live_connection, C10 tls_key_custody_required: the key that the port shows is the attested one', async () => {
  const running = await startNode({ config: { tls: 'here', source: SOURCE } })
  const listener = await listen(running.node.app, 0, '127.0.0.1', running.node.tls)
  const spkiSha256 = await observedSpki(listener.port)
  await listener.close()
  const text = async (path: string): Promise<string> => (await running.get(path)).text()
  const context = { ...(await contextOf(running)), nonce: NONCE, sources: [SOURCE] }
  const channel = { kind: 'tls', hostname: 'node.test', spkiSha256 } as const
  const aci = await text(`/v1/aci/attestation?nonce=${NONCE}`)
  const report = await verifyAciReport(aci, { ...context, channel })
  expect(objections(report)).toEqual([])
  for (const other of [
    { ...channel, spkiSha256: 'ab'.repeat(32) },
    { ...channel, hostname: 'other.test' },
  ]) {
    expect(objections(await verifyAciReport(aci, { ...context, channel: other }))).toEqual([
      'channel',
    ])
  }
  const document = JSON.parse(aci) as {
    attestation: { evidence: { key_custody: { keys: { role: string }[] } } }
  }
  const { key_custody: custody } = document.attestation.evidence
  custody.keys = custody.keys.filter(({ role }) => role !== 'tls')
  const bare = JSON.stringify(document)
  expect(objections(await verifyAciReport(bare, { ...context, channel }))).toEqual(['key-custody'])

  const signing = await text(`/v1/attestation/report?nonce=${NONCE}&include_tls_fingerprint=true`)
  const asked = { ...context, signingAlgo: 'ecdsa', tls: { spkiSha256 } } as const
  expect(objections(await verifySigningReport(signing, asked))).toEqual([])
  const unbound = { ...asked, tls: 'unbound' } as const
  expect(objections(await verifySigningReport(signing, unbound))).toEqual(['report-data'])
  const tinfoil = await text(`/.well-known/tinfoil-attestation?nonce=${NONCE}`)
  expect((await verifyTinfoilDocument(tinfoil, context)).verdict).toMatchObject({
    outcome: 'verified',
    claims: { tlsSpkiSha256: spkiSha256 },
  })
  const bundle = decodeEvidence(
    new Uint8Array(await (await running.get(`/v1/attestation?nonce=${NONCE}`)).arrayBuffer()),
  )
  expect(JSON.parse(bundle.posture)).toMatchObject({ request_confidentiality: 'tls' })
  // The platform gives another key with every call; the binding must outlive a restart all the same.
  const again = await running.restart({ config: { tls: 'here', source: SOURCE } })
  expect(again.node.bindingId).toBe(running.node.bindingId)
})

test('E19 strict_decoding_table: what is no HTTP inside of TLS, and what is no TLS', async () => {
  const running = await startNode({ config: { tls: 'here', source: SOURCE } })
  const listener = await listen(running.node.app, 0, '127.0.0.1', running.node.tls)
  const options = { port: listener.port, host: '127.0.0.1', rejectUnauthorized: false }
  const answerTo = async (bytes: string): Promise<string> => {
    const socket = connect({ ...options, servername: 'node.test' })
    let text = ''
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
    await once(socket, 'secureConnect')
    socket.write(bytes)
    await once(socket, 'close')
    return text
  }
  const health = 'GET /health HTTP/1.1\r\nHost: node.test\r\nConnection: close\r\n\r\n'
  expect(await answerTo(health)).toMatch(/^HTTP\/1\.1 200 /)
  for (const bytes of [
    'canary-7f3a\r\n\r\n',
    'GET /health HTTP/1.1\r\n\r\n',
    'GET /health HTTP/1.1\r\nHost: node.test\r\nX y: canary-7f3a\r\n\r\n',
    'POST /v1/release HTTP/1.1\r\nHost: node.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
  ]) {
    const text = await answerTo(bytes)
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('"code":"invalid_request"')
    expect(text).not.toContain('canary')
    // Once, and nothing behind it.
    expect(text.split(/HTTP\/1\.1 [0-9]/)).toHaveLength(2)
  }
  // Whoever speaks no TLS, old TLS, or leaves in the middle is gone, and the next one is served.
  for (const bytes of [health, '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', '']) {
    const socket = connectPlain(listener.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.resume()
    socket.end(bytes)
    await once(socket, 'close')
  }
  const old = connect({ ...options, servername: 'node.test', maxVersion: 'TLSv1.2' })
  await expect(once(old, 'secureConnect')).rejects.toThrow()
  expect(await answerTo(health)).toMatch(/^HTTP\/1\.1 200 /)
  await listener.close()
})

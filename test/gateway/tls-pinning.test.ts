import { spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { toBareHex, randomBytes32 } from '@jeju/verifier/protocol'
import { selfSigned } from './network/self-signed.ts'
import { bodyOf, serveUnknownTls } from './network/upstream.ts'

const spki = new X509Certificate(selfSigned.cert).publicKey.export({ type: 'spki', format: 'der' })
const attested = createHash('sha256').update(spki).digest('hex')
const other = toBareHex(randomBytes32())
const refused = 'endpoint: another TLS key than the verified one'

test('F2 tls_key_swap_after_verify_rejected: prompts go to the attested TLS key and to no other', async () => {
  const received: string[] = []
  const origin = await serveUnknownTls((request, response) => {
    void bodyOf(request).then((body) => {
      received.push(Buffer.from(body).toString('utf8'))
      response.end('ok')
    })
  })
  const outcomes = await askEach([
    { origin, tlsKeys: [attested] },
    { origin, tlsKeys: [other] },
    { origin, tlsKeys: [other, attested] },
    // Certified for the name, and in front of a node whose TLS ends in it: somebody in between.
    { origin, tlsKeys: [other] },
    { origin, tlsKeys: [] },
  ])
  expect(outcomes).toEqual(['answered: ok', refused, 'answered: ok', refused, 'answered: ok'])
  // Of a refused connection not one byte of the prompt left.
  expect(received).toEqual(['prompt', 'prompt', 'prompt'])
})

test('F2 nor does plain HTTP stand in for an attested TLS key', async () => {
  const origin = (await serveUnknownTls((_request, response) => response.end('x'))).replace(
    'https:',
    'http:',
  )
  const [outcome] = await askEach([{ origin, tlsKeys: [attested] }])
  expect(outcome).toBe(refused)
})

/** Asked by a process that trusts the test's own certificate as the web's authorities are trusted. */
async function askEach(asked: readonly object[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'jeju-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const authorities = join(folder, 'authorities.pem')
  writeFileSync(authorities, selfSigned.cert)
  const script = fileURLToPath(new URL('network/pinned-request.ts', import.meta.url))
  const flags = ['--conditions=@jeju/source', '--import', 'tsx', script]
  const child = spawn(process.execPath, flags, {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: authorities },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(asked))
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return JSON.parse(output) as readonly string[]
}

import { encodeKeyConfig, EHBP_X25519, KEY_CONFIG_MEDIA_TYPE } from '@jeju/verifier/sealing'
import { Hono } from 'hono'
import type { TinfoilDocuments } from '../attestation/tinfoil/tinfoil-document.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import { requiredNonce } from './nonce.ts'

/**
 * `GET /.well-known/tinfoil-attestation?nonce=` and `GET /.well-known/hpke-keys` (docs/protocol.md §10, §11). The second
 * is for clients that know no better: who verifies takes the key from the attested keyset.
 */
export function wellKnownRoutes(documents: TinfoilDocuments, keys: NodeKeys): Hono {
  const routes = new Hono()
  routes.get('/.well-known/tinfoil-attestation', async (c) => {
    const document = await documents.document(requiredNonce(c.req.queries('nonce')))
    return c.json(document, 200, { 'Cache-Control': 'no-store' })
  })
  const key = keys.sealing.find(({ suite }) => suite === EHBP_X25519)
  if (key !== undefined) {
    const config = encodeKeyConfig(key.publicKey)
    routes.get('/.well-known/hpke-keys', (c) =>
      c.body(config.slice(), 200, { 'Content-Type': KEY_CONFIG_MEDIA_TYPE }),
    )
  }
  return routes
}

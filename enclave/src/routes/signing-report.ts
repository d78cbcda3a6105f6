import { Hono, type Context } from 'hono'
import { exchangeText, signEd25519, signPersonal, toBareHex, utf8 } from '@jeju/verifier/protocol'
import {
  signingIdentity,
  type SigningAlgo,
  type SigningReporter,
} from '../attestation/signing/signing-reporter.ts'
import { NodeError } from '../http/node-error.ts'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { ExchangeRecords } from '../records/exchange-records.ts'
import { ownedExchange } from './aci.ts'
import { optionalNonce } from './nonce.ts'

/**
 * `GET /v1/attestation/report` and `GET /v1/signature/:id` of the vllm-proxy dialect (docs/protocol.md §11). A signed
 * text holds the hash of a prompt: where that was not sealed, only who sent it may have it (attack E11).
 */
export function signingReportRoutes(
  reporter: SigningReporter,
  records: ExchangeRecords,
  keys: NodeKeys,
): Hono {
  const routes = new Hono()
  routes.get('/v1/attestation/report', async (c) => {
    const nonce = optionalNonce(c.req.queries('nonce'))
    const report = await reporter.report({
      algo: algoOf(c),
      nonce,
      tls: c.req.query('include_tls_fingerprint') === 'true' || c.req.query('version') === '2',
      signingAddress: c.req.query('signing_address'),
    })
    const caching = nonce === undefined ? 'public, max-age=60' : 'no-store'
    return c.json(report, 200, { 'Cache-Control': caching })
  })
  routes.get('/v1/signature/:id', async (c) => {
    const algo = algoOf(c)
    const record = await records.find(c.req.param('id'))
    const { model, requestSha256, responseSha256 } =
      record?.sealed === true ? record : ownedExchange(c, record)
    const text = exchangeText(model, requestSha256, responseSha256)
    const signature =
      algo === 'ecdsa'
        ? signPersonal(text, keys.signerKey)
        : toBareHex(signEd25519(utf8(text), keys.receiptKey))
    const { address } = signingIdentity(keys, algo)
    const answer = { text, signature, signing_address: address, signing_algo: algo }
    return c.json(answer, 200, { 'Cache-Control': 'no-store' })
  })
  return routes
}

function algoOf(c: Context): SigningAlgo {
  const algo = c.req.query('signing_algo') ?? 'ecdsa'
  if (algo === 'ecdsa' || algo === 'ed25519') return algo
  throw new NodeError('invalid_request', 'signing_algo: expected ecdsa or ed25519', 'signing_algo')
}

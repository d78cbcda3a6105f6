import { ACI_VERSION, AUTHORIZATION_HEADER } from '@jeju/verifier/protocol'
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import type { AciReporter } from '../attestation/aci/aci-reporter.ts'
import { NodeError } from '../http/node-error.ts'
import { credentialDigest, type ExchangeRecords } from '../records/exchange-records.ts'
import type { KeptExchange } from '../records/record-log.ts'
import { optionalNonce } from './nonce.ts'

/** `GET /v1/aci/attestation?nonce=` and `GET /v1/aci/receipts/:id` (docs/protocol.md §11). */
export function aciRoutes(reporter: AciReporter, records: ExchangeRecords): Hono {
  const routes = new Hono()
  routes.get('/v1/aci/attestation', async (c) => {
    const nonce = optionalNonce(c.req.queries('nonce'))
    const report = await reporter.report(nonce ?? null, hostnameOf(c))
    // Only the form that proves no freshness may be kept by anybody.
    const caching = nonce === undefined ? 'public, max-age=60' : 'no-store'
    return c.json(report, 200, { 'Cache-Control': caching })
  })
  routes.get('/v1/aci/receipts/:id', async (c) => {
    const found = ownedExchange(c, await records.find(c.req.param('id')))
    return c.json(found.receipt, 200, { 'Cache-Control': 'no-store' })
  })
  return routes
}

/**
 * An exchange for whom authorised it: the very authorisation, in its own header or as bearer. Anybody else's is not
 * told from one that does not exist.
 * @throws NodeError `unauthorized`, `not_found`
 */
export function ownedExchange(c: Context, found: KeptExchange | undefined): KeptExchange {
  const shown = shownCredential(c)
  if (found?.credential !== shown) throw new NodeError('not_found', 'no such receipt')
  return found
}

/** SHA-256 of the credential in its own header or as bearer. @throws NodeError `unauthorized` */
export function shownCredential(c: Context): string {
  const bearer = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1]
  const credential = c.req.header(AUTHORIZATION_HEADER) ?? bearer
  if (credential === undefined) {
    throw new NodeError('unauthorized', `the ${AUTHORIZATION_HEADER} of the request is needed`)
  }
  return credentialDigest(credential)
}

/** ACI's headers, on every answer and error alike. */
export function aciHeaders(keysetDigest: string): MiddlewareHandler {
  return async function aci(c, next) {
    // Before there is an answer: added to one, they would have it made anew, and its body wrapped once more.
    c.header('X-ACI-Version', ACI_VERSION)
    c.header('X-ACI-Keyset-Digest', keysetDigest)
    await next()
  }
}

function hostnameOf(c: Context): string {
  return (c.req.header('host') ?? '').replace(/:[0-9]+$/, '').toLowerCase()
}

import { encodeCollateral, type CollateralSource } from '@jeju/verifier'
import type { GpuTrustAnchor, OcspAnswerSource, RimSource } from '@jeju/verifier/gpu'
import { fromBase64Url, ProtocolError } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import { GatewayError } from '../http/gateway-error.ts'
import type { ExplorerFile } from './explorer-files.ts'
import { settingsDocument, type ExplorerSettings } from './explorer-settings.ts'

/** Questions under way for visitors; each may cost one to Intel or NVIDIA. */
const MAX_QUESTIONS = 16

/** The page may talk to its own origin only, and run nothing but its own files. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** What only the explorer needs. */
export interface ExplorerOwnParts {
  /** None where it was not built. */
  readonly files: ReadonlyMap<string, ExplorerFile>
  readonly policyText: string
  readonly gpuTrustAnchor: GpuTrustAnchor
  readonly rims: RimSource
  readonly ocsp: OcspAnswerSource
}

/** Collaborators of {@link explorerRoutes}. */
export interface ExplorerParts extends ExplorerOwnParts, ExplorerSettings {
  readonly collateral: CollateralSource
}

/**
 * The explorer below `/explorer/` (docs/protocol.md §8): its files, what it judges by, and what vendors say of platforms
 * and GPUs, which browsers cannot fetch themselves; all of that is signed.
 */
export function explorerRoutes(parts: ExplorerParts): Hono {
  const { files, collateral, rims, ocsp } = parts
  const routes = new Hono()
  let questions = 0
  /** One more question to a service of Intel or NVIDIA, if there are not too many. */
  const asking = async <Answer>(
    ask: () => Promise<Answer>,
    unavailable: string,
  ): Promise<Answer> => {
    if (questions >= MAX_QUESTIONS) {
      throw new GatewayError('too_many_requests', 'too many collateral requests under way')
    }
    questions++
    try {
      return await ask()
    } catch {
      throw new GatewayError('collateral_unavailable', unavailable)
    } finally {
      questions--
    }
  }
  routes.get('/explorer', (c) => c.redirect('/explorer/', 308))
  routes.get('/explorer/settings.json', (c) => {
    c.header('Cache-Control', 'no-store')
    return c.json(settingsDocument(parts))
  })
  routes.get('/explorer/collateral', async (c) => {
    const request = readRequest(c.req.query('fmspc'), c.req.query('ca'))
    const found = await asking(
      () => collateral.collateralFor(request),
      `no collateral of FMSPC ${request.fmspc}`,
    )
    return c.body(encodeCollateral(found), 200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'public, max-age=300',
    })
  })
  routes.get('/explorer/rim', async (c) => {
    const id = c.req.query('id')
    if (id === undefined || !/^[\w.-]{1,128}$/.test(id)) {
      throw new GatewayError('invalid_request', 'id: expected the name of a RIM')
    }
    const rim = (await asking(() => rims.rimsFor([id]), `no RIM ${id}`)).get(id)
    if (rim === undefined) throw new GatewayError('collateral_unavailable', `no RIM ${id}`)
    return c.body(new Uint8Array(rim), 200, {
      'Content-Type': 'application/xml',
      'Cache-Control': 'public, max-age=300',
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'",
    })
  })
  routes.get('/explorer/ocsp', async (c) => {
    const request = readOcspRequest(c.req.query('request'))
    const unavailable = 'no status of that certificate'
    const [answer] = await asking(() => ocsp.answersTo([request]), unavailable)
    if (answer === undefined) throw new GatewayError('collateral_unavailable', unavailable)
    return c.body(new Uint8Array(answer), 200, {
      'Content-Type': 'application/ocsp-response',
      'Cache-Control': 'public, max-age=300',
      'X-Content-Type-Options': 'nosniff',
    })
  })
  routes.get('/explorer/*', (c) => {
    const path = c.req.path.slice('/explorer/'.length)
    const file = files.get(path === '' ? 'index.html' : path)
    if (file === undefined) {
      const reason = files.size === 0 ? 'the explorer is not built' : 'no such file'
      throw new GatewayError('not_found', reason)
    }
    return c.body(file.bytes, 200, {
      'Content-Type': file.type,
      'Cache-Control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      'Content-Security-Policy': CONTENT_SECURITY_POLICY,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
  })
  return routes
}

function readRequest(
  fmspc: string | undefined,
  ca: string | undefined,
): { readonly fmspc: string; readonly ca: 'platform' | 'processor' } {
  if (fmspc === undefined || !/^[0-9a-f]{12}$/.test(fmspc)) {
    throw new GatewayError('invalid_request', 'fmspc: expected 12 lowercase hex digits')
  }
  if (ca !== 'platform' && ca !== 'processor') {
    throw new GatewayError('invalid_request', 'ca: expected platform or processor')
  }
  return { fmspc, ca }
}

/** About one certificate: the longest names 48-byte hashes and a serial number of 20 bytes. */
const MAX_OCSP_REQUEST_BYTES = 192

/** A question of RFC 6960 §4.1.1 in base64url; NVIDIA's service says what is none. */
function readOcspRequest(text: string | undefined): Uint8Array {
  try {
    const request = fromBase64Url(text ?? '', 'request')
    if (request.length > 0 && request.length <= MAX_OCSP_REQUEST_BYTES) return request
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
  }
  const expected = `request: expected 1 to ${MAX_OCSP_REQUEST_BYTES} bytes in base64url`
  throw new GatewayError('invalid_request', expected)
}

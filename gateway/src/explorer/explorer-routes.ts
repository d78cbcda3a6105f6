import { encodeCollateral, type CollateralSource } from '@jeju/verifier'
import { Hono } from 'hono'
import { GatewayError } from '../http/gateway-error.ts'
import type { ExplorerFile } from './explorer-files.ts'
import { settingsDocument, type ExplorerSettings } from './explorer-settings.ts'

/** Questions to the collateral service under way for visitors; each may cost one to Intel. */
const MAX_COLLATERAL_QUESTIONS = 16

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

/** What the explorer needs beside the gateway's own routes (docs/protocol.md §8). */
export interface ExplorerParts {
  readonly files: ReadonlyMap<string, ExplorerFile>
  readonly settings: ExplorerSettings
  readonly collateral: CollateralSource
}

/** The explorer below `/explorer/`: its files, what it judges by, and Intel's collateral, which browsers cannot fetch. */
export function explorerRoutes({ files, settings, collateral }: ExplorerParts): Hono {
  const routes = new Hono()
  let questions = 0
  routes.get('/explorer', (c) => c.redirect('/explorer/', 308))
  routes.get('/explorer/settings.json', (c) => {
    c.header('Cache-Control', 'no-store')
    return c.json(settingsDocument(settings))
  })
  routes.get('/explorer/collateral', async (c) => {
    const request = readRequest(c.req.query('fmspc'), c.req.query('ca'))
    if (questions >= MAX_COLLATERAL_QUESTIONS) {
      throw new GatewayError('too_many_requests', 'too many collateral requests under way')
    }
    questions++
    try {
      const text = encodeCollateral(await collateral.collateralFor(request))
      return c.body(text, 200, {
        'Content-Type': 'application/json',
        'Cache-Control': 'public, max-age=300',
      })
    } catch {
      throw new GatewayError('collateral_unavailable', `no collateral of FMSPC ${request.fmspc}`)
    } finally {
      questions--
    }
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

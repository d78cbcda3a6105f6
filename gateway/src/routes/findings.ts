import { Hono } from 'hono'
import { GatewayError } from '../http/gateway-error.ts'
import type { GatewayStore } from '../store/gateway-store.ts'

/** Findings of one page. */
const MAX_LIMIT = 100

/**
 * `GET /v1/findings?limit=&after=`: answers that were not what their nodes signed for, newest first, in pages; hashes and
 * signatures only. `next` is where the next page begins, and null at the end.
 */
export function findingsRoute(findings: GatewayStore['findings']): Hono {
  return new Hono().get('/v1/findings', (c) => {
    const page = findings.page(
      readLimit(c.req.queries('limit')),
      readCursor(c.req.queries('after')),
    )
    if (page === undefined) throw refused('after', 'the `next` of an answer of this gateway')
    return c.json({
      findings: page.findings.map(({ at, agentId, bindingId, evidence }) => ({
        at: new Date(at).toISOString(),
        agentId: agentId.toString(),
        bindingId,
        evidence: JSON.parse(evidence) as unknown,
      })),
      next: page.next ?? null,
    })
  })
}

function readLimit(values: readonly string[] = [String(MAX_LIMIT)]): number {
  const [text = ''] = values
  const limit = Number(text)
  if (values.length === 1 && /^[1-9][0-9]{0,2}$/.test(text) && limit <= MAX_LIMIT) return limit
  throw refused('limit', `one, of 1 to ${MAX_LIMIT}`)
}

function readCursor(values: readonly string[] = []): string | undefined {
  if (values.length > 1) throw refused('after', 'one')
  return values[0]
}

function refused(param: string, expected: string): GatewayError {
  return new GatewayError('invalid_request', `${param}: expected ${expected}`, { param })
}

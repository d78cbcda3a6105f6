import { randomUUID } from 'node:crypto'
import { ProtocolError } from '@jeju/verifier/protocol'
import { Hono, type MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { ChainError } from '../chain/node-chain.ts'
import { nodeErrorOf } from '../answer/answer-service.ts'
import { EngineError } from '../engine/engine-error.ts'
import { GpuError } from '../gpu/gpu-error.ts'
import { GuestAgentError } from '../guest-agent/guest-agent.ts'
import type { Logger } from '../logging.ts'
import { errorBody, messagesErrorBody, NODE_ERRORS, NodeError } from './node-error.ts'

/** The endpoint whose clients read Anthropic's error documents. */
const MESSAGES_PATH = '/v1/messages'

/** What EHBP clients read as "fetch the key again" (EHBP, errors; RFC 9457). */
const KEY_CONFIG_PROBLEM = JSON.stringify({
  type: 'urn:ietf:params:ehbp:error:key-config',
  title: 'key configuration mismatch',
})

/** The app of a node: its routes, what stands around all of them, and the one place where errors become HTTP. */
export function createApp(
  routes: readonly Hono[],
  logger: Logger,
  around: readonly MiddlewareHandler[] = [],
): Hono {
  const app = new Hono()
  app.use(async (c, next) => {
    const started = performance.now()
    const requestId = randomUUID()
    c.header('X-Request-Id', requestId)
    await next()
    const status = c.res.status
    const ms = Math.round(performance.now() - started)
    // The route and not the path: that is whatever somebody wrote.
    const path = routePath(c, -1)
    logger.debug({ requestId, method: c.req.method, path, status, ms }, 'request')
  })
  for (const middleware of around) app.use(middleware)
  for (const route of routes) app.route('/', route)
  refuseOtherMethods(app)
  app.notFound((c) => c.json(errorBody(new NodeError('not_found', 'no such endpoint')), 404))
  app.onError((error, c) => {
    const known = knownError(error)
    if (known.code === 'internal_error') logger.error({ error: error.name }, 'internal error')
    const { status } = NODE_ERRORS[known.code]
    if (status === 429 || status === 503 || known.code === 'inclusion_pending') {
      c.header('Retry-After', String(known.retryAfterS))
    }
    if (known.code === 'sealed_key_mismatch') {
      return c.body(KEY_CONFIG_PROBLEM, status, { 'Content-Type': 'application/problem+json' })
    }
    const document = c.req.path === MESSAGES_PATH ? messagesErrorBody(known) : errorBody(known)
    return c.json(document, status)
  })
  return app
}

/** Of a path that is served, another method is told which ones are (RFC 9110, 15.5.6). */
function refuseOtherMethods(app: Hono): void {
  const methods = new Map<string, Set<string>>()
  for (const { method, path } of app.routes) {
    if (method === 'ALL') continue
    const known = methods.get(path) ?? new Set()
    methods.set(path, known.add(method))
    if (method === 'GET') known.add('HEAD')
  }
  for (const [path, known] of methods) {
    const allow = [...known].join(', ')
    app.all(path, (c) => {
      c.header('Allow', allow)
      throw new NodeError('method_not_allowed', `expected ${allow}`)
    })
  }
}

/** Errors of other rooms as codes of this one. What is not known says nothing of itself. */
function knownError(error: unknown): NodeError {
  if (error instanceof NodeError) return error
  if (error instanceof EngineError) return nodeErrorOf(error)
  if (error instanceof ProtocolError) return new NodeError('invalid_request', error.message)
  if (error instanceof ChainError) {
    return new NodeError('chain_unavailable', 'the chain could not be asked')
  }
  if (error instanceof GuestAgentError) {
    return new NodeError('guest_agent_unavailable', 'the guest agent did not answer')
  }
  if (error instanceof GpuError) {
    return new NodeError('gpu_unavailable', `the GPUs gave no evidence: ${error.code}`)
  }
  return new NodeError('internal_error', 'internal error')
}

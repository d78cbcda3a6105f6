import {
  AUTHORIZATION_HEADER,
  encodeAuthorization,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { expect } from 'vitest'
import { openApiDocument } from '../../../enclave/src/api/openapi.ts'
import { listen } from '../../../enclave/src/http/listen.ts'
import { NODE_ERRORS } from '../../../enclave/src/http/node-error.ts'
import type { RawAnswer } from './raw-http.ts'
import { startNode, statusOf, until, type Running } from './start-node.ts'
import { chatBody } from './test-client.ts'

/** Stands in whatever is sent, and in nothing that comes back or is logged. */
export const CANARY = 'canary-7f3a'
export const HOST = 'Host: node.test\r\n'

/** A node behind a port, for requests of any bytes. */
export interface RawNode {
  readonly running: Running
  readonly port: number
  close(): Promise<void>
}

/** Starts one. */
export async function serveNode(): Promise<RawNode> {
  const running = await startNode()
  const { port, close } = await listen(running.node.app, 0, '127.0.0.1')
  return { running, port, close }
}

/** Every operation of the OpenAPI document, so that none is missed. */
export const OPERATIONS: readonly { readonly method: string; readonly path: string }[] =
  Object.entries(
    (openApiDocument() as { paths: Record<string, Record<string, unknown>> }).paths,
  ).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{[a-z]+\}/g, 'x'),
    })),
  )

/** Each with its name. */
export const NAMED: readonly (readonly [name: string, method: string, path: string])[] =
  OPERATIONS.map(({ method, path }) => [`${method} ${path}`, method, path])

/** The head of a request whose body is signed and paid for. */
export function paidHead(path: string, signed: SignedRequestAuth, length: number): string {
  const authorization = `${AUTHORIZATION_HEADER}: ${encodeAuthorization(signed)}\r\n`
  return `POST ${path} HTTP/1.1\r\n${HOST}${authorization}Content-Length: ${length}\r\n\r\n`
}

/** A refusal with a known code, in a document, that says nothing of what was sent. */
export function expectRefusal({ status, headers, body }: RawAnswer): void {
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  expect(headers['content-type']).toBe('application/json')
  const { error } = JSON.parse(body) as { error: { code: keyof typeof NODE_ERRORS } }
  expect(NODE_ERRORS[error.code].status).toBe(status)
  expect(body).not.toContain(CANARY)
  expect(body.length).toBeLessThan(1_000)
}

/** Nothing is held, and what is right is answered. */
export async function expectUnharmed(running: Running): Promise<void> {
  const { client, engine, logs } = running
  await until(() => engine.admitted === 0)
  expect(await statusOf(running)).toBe('ok')
  const answer = await running.fetch(client.request(chatBody()))
  expect(answer.status).toBe(200)
  await answer.arrayBuffer()
  const text = logs.join('')
  expect(text).not.toContain('internal error')
  expect(text).not.toContain(CANARY)
}

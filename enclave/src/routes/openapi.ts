import { Hono } from 'hono'
import { openApiDocument } from '../api/openapi.ts'

/** `GET /openapi.json`. */
export function openApiRoute(): Hono {
  const document = JSON.stringify(openApiDocument())
  return new Hono().get('/openapi.json', (c) =>
    c.body(document, 200, { 'Content-Type': 'application/json' }),
  )
}

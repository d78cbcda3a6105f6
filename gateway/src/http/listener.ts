import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { isPromptPath } from '@jeju/verifier/protocol'
import type { Hono } from 'hono'
import type { Exchange } from '../exchange/exchange.ts'

/** Prompts go over raw streams; everything else to the app. */
export function createListener(app: Hono, exchange: Exchange): RequestListener {
  const others = getRequestListener(app.fetch)
  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (isPromptPath(path)) void exchange.serve(request, response, path)
    else void others(request, response)
  }
}

import {
  ACCOUNT_HEADER,
  AUTHORIZATION_HEADER,
  EVIDENCE_MEDIA_TYPE,
  PROMPT_ENDPOINTS,
} from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import { ROUTING_HEADER } from '../routing/preferences.ts'
import { PAYMENT_SIGNATURE_HEADER } from '../x402/payment.ts'

/** Endpoints that take no prompt: path, what they answer, in which form, and what they are asked by. */
const PLAIN = [
  ['/v1/providers', 'Providers on chain, each with its lease and its latest judgement'],
  ['/v1/providers/{agentId}/attestation', 'A node’s own evidence', EVIDENCE_MEDIA_TYPE, ['nonce']],
  ['/v1/route', 'Who can answer, in the order to ask', 'application/json', ['model']],
  ['/v1/models', 'Models that admitted nodes prove'],
  ['/v1/aci/sessions', 'Leases in force as attested sessions'],
  ['/v1/aci/sessions/{id}', 'One of them with its evidence, also when it has ended'],
  ['/v1/findings', 'Answers that were not what their nodes signed for'],
  ['/v1/receipts/{id}', 'What this gateway states of an answer, by its X-Request-Id, signed'],
  ['/v1/receipts/key', 'The key that signs those, where this gateway has one'],
  ['/health', 'Whether prompts are taken'],
  ['/metrics', 'Prometheus metrics', 'text/plain'],
  ['/openapi.json', 'This document'],
] as const

/** `GET /openapi.json`. */
export function openApiRoute(): Hono {
  const document = JSON.stringify(openApiDocument())
  return new Hono().get('/openapi.json', (c) =>
    c.body(document, 200, { 'Content-Type': 'application/json' }),
  )
}

/** The OpenAPI document of a gateway. What prompts may say, the nodes’ own documents tell. */
export function openApiDocument(): object {
  const plain = PLAIN.map(([path, summary, mediaType = 'application/json', asked = []]) => [
    path,
    {
      get: {
        summary,
        parameters: [
          ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter('path', name ?? '')),
          ...asked.map((name) => parameter('query', name)),
          ...(path === '/v1/route' ? [ROUTING] : []),
        ],
        responses: answers({ [mediaType]: {} }),
      },
    },
  ])
  const prompts = Object.entries(PROMPT_ENDPOINTS).map(([path, stream]) => [
    path,
    {
      post: {
        summary:
          'A prompt, for the verified node that its authorisation names or that the gateway pays',
        security: [{ wallet: [] }, { accountKey: [] }, { accountWallet: [] }, { x402: [] }],
        parameters: [ROUTING],
        requestBody: { required: true, content: { 'application/json': {} } },
        responses: answers({
          'application/json': {},
          ...(stream === undefined ? {} : { 'text/event-stream': {} }),
        }),
      },
    },
  ])
  return {
    openapi: '3.1.0',
    info: { title: 'Jeju Compute gateway', version: '1' },
    paths: Object.fromEntries([...plain, ...prompts]),
    components: {
      securitySchemes: {
        wallet: inHeader(AUTHORIZATION_HEADER, 'Authorisations of the caller’s own channels'),
        accountKey: { type: 'http', scheme: 'bearer', description: WHERE_IT_PAYS },
        accountWallet: inHeader(ACCOUNT_HEADER, WHERE_IT_PAYS),
        x402: inHeader(
          PAYMENT_SIGNATURE_HEADER,
          'x402 v2, scheme exact, where this gateway takes it',
        ),
      },
      responses: {
        Error: {
          description: 'A refusal with a stable code',
          content: { 'application/json': { schema: ERROR_SCHEMA } },
        },
      },
    },
  }
}

const ROUTING = {
  in: 'header',
  name: ROUTING_HEADER,
  required: false,
  description: 'JSON: provider, models, min_tier, features',
  schema: { type: 'string' },
}

const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'code', 'param'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        code: { type: 'string' },
        param: { type: ['string', 'null'] },
      },
    },
  },
}

/** Of a gateway without accounts these are unknown keys. */
const WHERE_IT_PAYS = 'An account, where this gateway pays nodes itself'

function inHeader(name: string, description: string): object {
  return { type: 'apiKey', in: 'header', name, description }
}

function parameter(place: 'path' | 'query', name: string): object {
  return { in: place, name, required: true, schema: { type: 'string' } }
}

function answers(content: Readonly<Record<string, object>>): object {
  return {
    '200': { description: 'OK', content },
    default: { $ref: '#/components/responses/Error' },
  }
}

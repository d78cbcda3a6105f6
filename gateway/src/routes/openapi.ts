import {
  ACCOUNT_HEADER,
  AUTHORIZATION_HEADER,
  EVIDENCE_MEDIA_TYPE,
  PROMPT_ENDPOINTS,
} from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import { ROUTING_HEADER } from '../routing/preferences.ts'
import { PAYMENT_SIGNATURE_HEADER } from '../x402/payment.ts'

/** Endpoints that take no prompt: path, what they answer, in which form, what they are asked by, and may be. */
const PLAIN = [
  ['/v1/providers', 'Providers on chain, each with its lease and its latest judgement'],
  [
    '/v1/providers/{agentId}/attestation',
    'A node’s own evidence, of the one with that binding where it is named',
    EVIDENCE_MEDIA_TYPE,
    ['nonce'],
    ['binding_id'],
  ],
  ['/v1/route', 'Who can answer, in the order to ask', 'application/json', ['model']],
  ['/v1/models', 'Models that admitted nodes prove'],
  ['/v1/aci/sessions', 'Leases in force as attested sessions'],
  ['/v1/aci/sessions/{id}', 'One of them with its evidence, also when it has ended'],
  [
    '/v1/findings',
    'Answers that were not what their nodes signed for, newest first; `next` is the `after` of the next page',
    'application/json',
    [],
    ['limit', 'after'],
  ],
  ['/health', 'Whether prompts are taken'],
  ['/metrics', 'Prometheus metrics', 'text/plain'],
  ['/openapi.json', 'This document'],
] as const

/** Those of a gateway that signs receipts of its own. */
const RECEIPTS = [
  ['/v1/receipts/{id}', 'What this gateway states of an answer, by its X-Request-Id, signed'],
  ['/v1/receipts/key', 'The key that signs those'],
] as const

/** What not every gateway does: a document names what is served, and nothing else. */
export interface Abilities {
  /** Whether it signs receipts of its own. */
  readonly receipts: boolean
  /** Whether it pays nodes itself for accounts that it knows. */
  readonly accounts: boolean
  /** Whether it takes payments for single requests. */
  readonly x402: boolean
}

/** `GET /openapi.json`. */
export function openApiRoute(abilities: Abilities): Hono {
  const document = JSON.stringify(openApiDocument(abilities))
  return new Hono().get('/openapi.json', (c) =>
    c.body(document, 200, { 'Content-Type': 'application/json' }),
  )
}

/** The OpenAPI document of a gateway. What prompts may say, the nodes’ own documents tell. */
export function openApiDocument({ receipts, accounts, x402 }: Abilities): object {
  const schemes = {
    wallet: inHeader(AUTHORIZATION_HEADER, 'Authorisations of the caller’s own channels'),
    ...(accounts
      ? {
          accountKey: { type: 'http', scheme: 'bearer', description: ACCOUNT },
          accountWallet: inHeader(ACCOUNT_HEADER, ACCOUNT),
        }
      : {}),
    ...(x402 ? { x402: inHeader(PAYMENT_SIGNATURE_HEADER, 'x402 v2, scheme exact') } : {}),
  }
  const paths: readonly Path[] = [...PLAIN, ...(receipts ? RECEIPTS : [])]
  const plain = paths.map(
    ([path, summary, mediaType = 'application/json', asked = [], mayBeAsked = []]) => [
      path,
      {
        get: {
          summary,
          parameters: [
            ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter('path', name ?? '')),
            ...asked.map((name) => parameter('query', name)),
            ...mayBeAsked.map((name) => parameter('query', name, false)),
            ...(path === '/v1/route' ? [ROUTING] : []),
          ],
          responses: answers({ [mediaType]: {} }),
        },
      },
    ],
  )
  const prompts = Object.entries(PROMPT_ENDPOINTS).map(([path, stream]) => [
    path,
    {
      post: {
        summary:
          'A prompt, for the verified node that its authorisation names or that the gateway pays',
        security: Object.keys(schemes).map((name) => ({ [name]: [] })),
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
      securitySchemes: schemes,
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

const ACCOUNT = 'An account of this gateway, which pays the nodes itself'

type Path = readonly [
  path: string,
  summary: string,
  mediaType?: string,
  asked?: readonly string[],
  mayBeAsked?: readonly string[],
]

function inHeader(name: string, description: string): object {
  return { type: 'apiKey', in: 'header', name, description }
}

function parameter(place: 'path' | 'query', name: string, required = true): object {
  return { in: place, name, required, schema: { type: 'string' } }
}

function answers(content: Readonly<Record<string, object>>): object {
  return {
    '200': { description: 'OK', content },
    default: { $ref: '#/components/responses/Error' },
  }
}

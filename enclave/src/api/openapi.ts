import { AUTHORIZATION_HEADER, isPromptPath, PROMPT_ENDPOINTS } from '@jeju/verifier/protocol'
import { KEY_CONFIG_MEDIA_TYPE } from '@jeju/verifier/sealing'
import { z } from 'zod'
import { PROMPT_APIS } from './prompt-apis.ts'

/** An endpoint that takes no prompt. */
export interface PlainEndpoint {
  /** As OpenAPI writes it: `/v1/evidence/{digest}`. */
  readonly path: string
  readonly summary: string
  readonly mediaType: string
}

/** Endpoints of a node that take no prompt. */
export const PLAIN_ENDPOINTS: readonly PlainEndpoint[] = [
  endpoint('/v1/attestation', 'Evidence over a nonce', 'application/jeju-evidence+cbor'),
  endpoint('/v1/aci/attestation', 'ACI report'),
  endpoint('/v1/aci/receipts/{id}', 'ACI receipt, for whom authorised the request'),
  endpoint(
    '/v1/receipts/{id}/inclusion',
    'Proof that a receipt stands in an anchored epoch, for its owner',
  ),
  endpoint('/v1/attestation/report', 'Report of the vllm-proxy dialect'),
  endpoint('/v1/signature/{id}', 'Signature of the vllm-proxy dialect over an exchange'),
  endpoint('/.well-known/tinfoil-attestation', 'Tinfoil document over a nonce'),
  endpoint('/.well-known/hpke-keys', 'Key configuration of sealed bodies', KEY_CONFIG_MEDIA_TYPE),
  endpoint('/v1/evidence/{digest}', 'Archived evidence', 'application/jeju-evidence+cbor'),
  endpoint('/v1/models', 'Models served, with context, price, digest and state'),
  endpoint('/v1/models/{id}', 'One of them'),
  endpoint('/health', 'Whether requests are taken'),
  endpoint('/openapi.json', 'This document'),
]

/** The OpenAPI document of a node. Bodies are the schemas that requests are read by, so neither says more. */
export function openApiDocument(endpoints: readonly PlainEndpoint[] = PLAIN_ENDPOINTS): object {
  const plain = endpoints.map(({ path, summary, mediaType }) => [
    path,
    {
      get: {
        summary,
        ...parametersOf(path),
        responses: { '200': answer(mediaType), default: { $ref: '#/components/responses/Error' } },
      },
    },
  ])
  const prompts = Object.keys(PROMPT_ENDPOINTS)
    .filter(isPromptPath)
    .map((path) => [path, { post: promptOperation(path) }])
  return {
    openapi: '3.1.0',
    info: { title: 'Jeju Compute node', version: '1' },
    paths: Object.fromEntries([
      ...plain,
      ...prompts,
      ['/v1/release', { post: RELEASE }],
      ['/v1/voucher', { post: VOUCHER }],
    ]),
    components: { securitySchemes: SECURITY_SCHEMES, responses: { Error: ERROR } },
  }
}

function promptOperation(path: keyof typeof PROMPT_ENDPOINTS): object {
  const { schema, summary } = PROMPT_APIS[path]
  const isStreamed = PROMPT_ENDPOINTS[path] !== undefined
  return {
    summary,
    security: [{ wallet: [] }],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: bodySchema(schema) } },
    },
    responses: {
      '200': {
        description: 'The answer, with its receipt in a header or in the stream',
        content: {
          'application/json': {},
          ...(isStreamed ? { 'text/event-stream': {} } : {}),
        },
      },
      default: { $ref: '#/components/responses/Error' },
    },
  }
}

/** What a body may say, before it is read. */
function bodySchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' })
}

function endpoint(path: string, summary: string, mediaType = 'application/json'): PlainEndpoint {
  return { path, summary, mediaType }
}

function answer(mediaType: string): object {
  return { description: 'The answer', content: { [mediaType]: {} } }
}

function parametersOf(path: string): object {
  const nonce = NONCES[path]
  if (nonce !== undefined) return { parameters: [{ ...NONCE, required: nonce === 'required' }] }
  const names = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name)
  if (names.length === 0) return {}
  return {
    parameters: names.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
  }
}

const HEX = { type: 'string', pattern: '^0x([0-9a-f]{2})+$' }
const WEI = { type: 'string', pattern: '^(0|[1-9][0-9]*)$' }

/** A document that was signed, all of its members needed but these. */
function takesSigned(
  summary: string,
  properties: object,
  optional: readonly string[] = [],
): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  const schema = { type: 'object', properties, required, additionalProperties: false }
  return {
    summary,
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: {
      '200': answer('application/json'),
      default: { $ref: '#/components/responses/Error' },
    },
  }
}

/** Of the channel that is named beside it (docs/protocol.md §5.2). */
const VOUCHER_PART = {
  type: 'object',
  properties: { cumulative: WEI, signature: HEX },
  required: ['cumulative', 'signature'],
  additionalProperties: false,
}

/** Signed by the user, and brought by whoever releases the channel (docs/protocol.md §5.1). */
const RELEASE = takesSigned(
  'Takes nothing more of a channel, and says what it still owes',
  {
    channelId: HEX,
    deadline: WEI,
    paid: WEI,
    signature: HEX,
    v: { const: 1 },
    voucher: VOUCHER_PART,
  },
  ['voucher'],
)

/** Signed by the user, who pays no request with it (docs/protocol.md §5.2). */
const VOUCHER = takesSigned('Takes a voucher, so that no more is claimed than was charged', {
  channelId: HEX,
  cumulative: WEI,
  signature: HEX,
  v: { const: 1 },
})

const NONCE = {
  name: 'nonce',
  in: 'query',
  schema: { type: 'string', pattern: '^[0-9a-f]{64}$' },
}

/** Where a nonce is taken; without one the reports of others' dialects prove no freshness. */
const NONCES: Readonly<Record<string, 'required' | 'optional'>> = {
  '/v1/attestation': 'required',
  '/.well-known/tinfoil-attestation': 'required',
  '/v1/aci/attestation': 'optional',
  '/v1/attestation/report': 'optional',
}

const SECURITY_SCHEMES = {
  wallet: {
    type: 'apiKey',
    in: 'header',
    name: AUTHORIZATION_HEADER,
    description:
      'Signed by the session key of a channel for exactly this request (docs/protocol.md §5)',
  },
}

const ERROR = {
  description: 'A refusal with a stable code (docs/errors.md)',
  content: { 'application/json': {} },
}

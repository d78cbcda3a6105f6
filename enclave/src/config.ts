import { join } from 'node:path'
import { ARWEAVE_GATEWAYS } from '@jeju/verifier/archive'
import { parseDeployment, type Deployment } from '@jeju/contracts'
import { INTEL_PCS_URL } from '@jeju/verifier/collateral'
import type { DeviceRoot } from '@jeju/verifier/node'
import type { Hex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { embeddedModel } from './engine/embedded-model.ts'
import { isInsideUrl } from './engine/upstream/upstream-address.ts'
import type { UpstreamOptions } from './engine/upstream/upstream-engine.ts'
import { gpuRootProblem, parseGpuRoot } from './gpu/gpu-root.ts'
import { environmentProblems, type Environment } from './settings/environment.ts'

/** What the node says it was built from; a measurement has to bear it out. */
export interface Source {
  readonly repoUrl: string | null
  readonly repoCommit: string | null
  /** `sha256:` and bare hex. */
  readonly imageDigest: string | null
}

/** Everything a node is told from outside. */
export interface Config {
  readonly guestAgentSocket: string
  /** dstack key surface. v0 and v1 give different keys, so it is stated and never switched (attack C18). */
  readonly keyApi: 'v0'
  /** Asked in this order. */
  readonly rpcUrls: readonly string[]
  readonly chainId: number
  readonly deployment: Deployment
  /** Intel's collateral service or a PCCS; asked only where quotes are judged on chain, for what the chain and the archive lack. */
  readonly collateralUrl: string
  readonly agentId: bigint
  readonly serviceId: number
  readonly publicUrl: string
  readonly port: number
  readonly host: string
  /** Where figures are served, on loopback; undefined where nowhere. */
  readonly metricsPort: number | undefined
  readonly stateDir: string
  /** A server of the same CVM that answers; undefined where this process does. */
  readonly upstream: UpstreamOptions | undefined
  /** Whether this process ends the TLS of `publicUrl`; only then is a TLS key ever claimed (attack C10). */
  readonly tls: 'here' | 'elsewhere'
  /** Whether prompts that are not sealed are taken. */
  readonly prompts: 'any' | 'sealed'
  readonly source: Source
  /** Whether this machine has GPUs to prove. A node that was to have them and finds none does not start. */
  readonly gpu: 'none' | 'required'
  /** Whose devices they have to be. */
  readonly gpuRoot: DeviceRoot
  readonly model: { readonly path: string; readonly sha256: Hex; readonly name: string }
  readonly settleIntervalMs: number
  /** How many times its gas a settlement has to bring, and how deep its block has to be. */
  readonly settlement: { readonly worth: number; readonly confirmations: number }
  /** Where what must outlive the node is kept. */
  readonly archive: ArchiveConfig
  /** How long an epoch of the receipt log stays open, in seconds. */
  readonly receiptEpochS: number
  /** How long answers under way may take when the node is told to end. */
  readonly drainMs: number
  /** Pieces of a stream that are made within so many milliseconds of its last frame leave together. */
  readonly streamIntervalMs: number
  /** What one channel may ask for. */
  readonly walletLimits: { readonly requestsPerMinute: number; readonly concurrent: number }
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

/** An archive, as it was configured. */
export type ArchiveConfig =
  | { readonly kind: 'off' }
  | { readonly kind: 'file'; readonly folder: string }
  | { readonly kind: 'arweave'; readonly uploadUrl: string; readonly gateways: readonly string[] }

/** What is wrong with an environment, all of it at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`configuration:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const
/** Well within what a closing channel must have left to be served, so that its last receipt is settled (attack N11). */
const MAX_SETTLE_INTERVAL_S = 300
/** No eye sees it: a screen shows a picture every 17 ms. */
export const STREAM_INTERVAL_MS = 20
const MAX_STREAM_INTERVAL_MS = 1_000
/** ArDrive's bundler: takes items of Ethereum keys, and small ones for nothing. */
const TURBO_UPLOAD_URL = 'https://upload.ardrive.io/v1/tx'
const MAX_UINT32 = 2 ** 32 - 1
const MAX_UINT256 = 2n ** 256n - 1n

const decimal = z.string().regex(/^(0|[1-9][0-9]*)$/, 'expected a decimal integer')
const port = decimal.transform(Number).pipe(z.number().min(0).max(65_535))
const origin = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((url) => new URL(url).href === `${new URL(url).origin}/`, 'expected an origin alone')

const digest = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/, 'expected 0x and 64 lowercase hex characters')
  .transform((text) => text as Hex)

/** What an engine beside this process is told to be able to do; `tools` needs a parser there. */
const UPSTREAM_FEATURES = [
  'completions',
  'embeddings',
  'images',
  'json',
  'json_schema',
  'logprobs',
  'penalties',
  'tools',
] as const

const upstreamEnvironment = z.object({
  UPSTREAM_URL: z
    .string()
    .refine(isInsideUrl, 'expected http://, loopback or a service name, and a port'),
  UPSTREAM_KIND: z.enum(['vllm', 'sglang', 'tgi']),
  UPSTREAM_CHAT_TEMPLATE_SHA256: digest,
  UPSTREAM_QUANTIZATION: z.string().min(1).max(64),
  UPSTREAM_CONTEXT_TOKENS: decimal.transform(Number).pipe(
    z
      .number()
      .min(2)
      .max(2 ** 24),
  ),
  UPSTREAM_FEATURES: z
    .string()
    .transform((text) => text.split(',').filter((name) => name !== ''))
    .pipe(z.array(z.enum(UPSTREAM_FEATURES)))
    .optional(),
  UPSTREAM_PREFIX_CACHE: z.enum(['salted', 'off']).default('salted'),
  UPSTREAM_MAX_ANSWERS: decimal.transform(Number).pipe(z.number().min(1).max(4096)).default(64),
})

/** What is taken for granted where nothing is said. */
const USUAL_FEATURES = {
  vllm: ['completions', 'json', 'json_schema', 'logprobs', 'penalties'],
  sglang: ['completions', 'json', 'json_schema', 'logprobs', 'penalties'],
  tgi: ['logprobs'],
} as const
/** What TGI has in forms of its own, which would be read as something else. */
const NOT_OF_TGI: readonly string[] = ['json', 'json_schema', 'penalties']

/** A transform by a parser that throws what it objects to, in words. */
function readBy<Value>(
  read: (text: string) => Value,
): (text: string, context: z.core.$RefinementCtx) => Value {
  return (text, context) => {
    try {
      return read(text)
    } catch (error) {
      context.addIssue(error instanceof Error ? error.message : 'cannot be read')
      return z.NEVER
    }
  }
}

const environment = z.object({
  DSTACK_SOCKET: z.string().min(1).default('/var/run/dstack.sock'),
  KEY_API: z.literal('v0', 'expected v0; v1 is not supported by this version'),
  RPC_URL: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.url({ protocol: /^https?$/ })).max(8)),
  CHAIN_ID: decimal.transform(Number).pipe(z.number().int().min(1)),
  DEPLOYMENT: z.string().transform(readBy(parseDeployment)),
  COLLATERAL_URL: z.url({ protocol: /^https?$/ }).default(INTEL_PCS_URL),
  AGENT_ID: decimal.transform(BigInt).pipe(z.bigint().max(MAX_UINT256)),
  SERVICE_ID: decimal.transform(Number).pipe(z.number().max(MAX_UINT32)),
  PUBLIC_URL: origin,
  PORT: port,
  HOST: z.string().min(1).default('0.0.0.0'),
  METRICS_PORT: port.optional(),
  STATE_DIR: z.string().min(1),
  TLS: z.enum(['here', 'elsewhere']).default('elsewhere'),
  PROMPTS: z.enum(['any', 'sealed']).default('any'),
  GPU: z.enum(['none', 'required']).default('none'),
  GPU_ROOT: z.string().default('nvidia').transform(readBy(parseGpuRoot)),
  SOURCE_REPO_URL: z.url({ protocol: /^https$/ }).optional(),
  SOURCE_REPO_COMMIT: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'expected 40 lowercase hex characters')
    .optional(),
  SOURCE_IMAGE_DIGEST: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 lowercase hex characters')
    .optional(),
  MODEL_PATH: z.string().min(1).default(embeddedModel.path),
  ENGINE: z.enum(['embedded', 'upstream']).default('embedded'),
  MODEL_SHA256: digest,
  MODEL_NAME: z.string().min(1).max(128).default(embeddedModel.name),
  SETTLE_INTERVAL_S: decimal
    .transform(Number)
    .pipe(z.number().min(1).max(MAX_SETTLE_INTERVAL_S))
    .default(60),
  SETTLE_WORTH: z
    .string()
    .regex(/^(0|[1-9][0-9]*)(\.[0-9]{1,3})?$/, 'expected a number with three decimals at most')
    .transform(Number)
    .pipe(z.number().max(1_000))
    .default(2),
  SETTLE_CONFIRMATIONS: decimal.transform(Number).pipe(z.number().min(1).max(256)).default(12),
  ARCHIVE: z.enum(['off', 'file', 'arweave']).default('off'),
  ARCHIVE_DIR: z.string().min(1).optional(),
  ARCHIVE_UPLOAD_URL: z.url({ protocol: /^https?$/ }).default(TURBO_UPLOAD_URL),
  ARCHIVE_GATEWAYS: z
    .string()
    .default(ARWEAVE_GATEWAYS.join())
    .transform((text) => text.split(','))
    .pipe(z.array(origin).min(1).max(8)),
  RECEIPT_EPOCH_S: decimal.transform(Number).pipe(z.number().min(1).max(86_400)).default(3_600),
  DRAIN_TIMEOUT_S: decimal.transform(Number).pipe(z.number().min(0).max(600)).default(8),
  STREAM_INTERVAL_MS: decimal
    .transform(Number)
    .pipe(z.number().min(0).max(MAX_STREAM_INTERVAL_MS))
    .default(STREAM_INTERVAL_MS),
  WALLET_REQUESTS_PER_MINUTE: decimal
    .transform(Number)
    .pipe(z.number().min(1).max(100_000))
    .default(600),
  WALLET_CONCURRENT_REQUESTS: decimal
    .transform(Number)
    .pipe(z.number().min(1).max(10_000))
    .default(32),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
})

/** Every setting of a node. */
export const SETTING_NAMES: readonly string[] = [
  ...Object.keys(environment.shape),
  ...Object.keys(upstreamEnvironment.shape),
]

/**
 * Reads the environment.
 * @throws ConfigError with every problem
 */
export function parseConfig(env: Environment): Config {
  const parsed = environment.safeParse(env)
  const problems = [...problemsOf(parsed.error)]
  problems.push(...environmentProblems(env), ...chainProblems(env))
  const upstream = env['ENGINE'] === 'upstream' ? upstreamEnvironment.safeParse(env) : undefined
  problems.push(...problemsOf(upstream?.error))
  if (upstream?.data?.UPSTREAM_KIND === 'tgi' && upstream.data.UPSTREAM_PREFIX_CACHE !== 'off') {
    problems.push(
      'UPSTREAM_PREFIX_CACHE: tgi shares prefixes between wallets; start it without, and say off',
    )
  }
  if (upstream?.data?.UPSTREAM_KIND === 'tgi') {
    const wrong = (upstream.data.UPSTREAM_FEATURES ?? []).filter((name) =>
      NOT_OF_TGI.includes(name),
    )
    if (wrong.length > 0)
      problems.push(`UPSTREAM_FEATURES: tgi has no ${wrong.join(', ')} of OpenAI`)
  }
  if (env['TLS'] === 'here' && env['PUBLIC_URL']?.startsWith('https:') !== true) {
    problems.push('TLS: PUBLIC_URL has to be https where TLS ends here')
  }
  const rootProblem = parsed.data && gpuRootProblem(parsed.data.GPU_ROOT, parsed.data.DEPLOYMENT)
  if (rootProblem !== undefined) problems.push(rootProblem)
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  const { data } = parsed
  return {
    guestAgentSocket: data.DSTACK_SOCKET,
    keyApi: data.KEY_API,
    rpcUrls: data.RPC_URL,
    chainId: data.CHAIN_ID,
    deployment: data.DEPLOYMENT,
    collateralUrl: data.COLLATERAL_URL,
    agentId: data.AGENT_ID,
    serviceId: data.SERVICE_ID,
    publicUrl: data.PUBLIC_URL,
    port: data.PORT,
    host: data.HOST,
    metricsPort: data.METRICS_PORT,
    stateDir: data.STATE_DIR,
    upstream: upstream?.success === true ? upstreamOptions(upstream.data, data) : undefined,
    tls: data.TLS,
    prompts: data.PROMPTS,
    gpu: data.GPU,
    gpuRoot: data.GPU_ROOT,
    source: {
      repoUrl: data.SOURCE_REPO_URL ?? null,
      repoCommit: data.SOURCE_REPO_COMMIT ?? null,
      imageDigest: data.SOURCE_IMAGE_DIGEST ?? null,
    },
    model: { path: data.MODEL_PATH, sha256: data.MODEL_SHA256, name: data.MODEL_NAME },
    settleIntervalMs: data.SETTLE_INTERVAL_S * 1000,
    settlement: { worth: data.SETTLE_WORTH, confirmations: data.SETTLE_CONFIRMATIONS },
    archive: archiveOf(data),
    receiptEpochS: data.RECEIPT_EPOCH_S,
    drainMs: data.DRAIN_TIMEOUT_S * 1000,
    streamIntervalMs: data.STREAM_INTERVAL_MS,
    walletLimits: {
      requestsPerMinute: data.WALLET_REQUESTS_PER_MINUTE,
      concurrent: data.WALLET_CONCURRENT_REQUESTS,
    },
    logLevel: data.LOG_LEVEL,
  }
}

function archiveOf(data: z.output<typeof environment>): ArchiveConfig {
  const { ARCHIVE, ARCHIVE_UPLOAD_URL, ARCHIVE_GATEWAYS, ARCHIVE_DIR, STATE_DIR } = data
  switch (ARCHIVE) {
    case 'off':
      return { kind: 'off' }
    case 'file':
      return { kind: 'file', folder: ARCHIVE_DIR ?? join(STATE_DIR, 'archive') }
    case 'arweave':
      return { kind: 'arweave', uploadUrl: ARCHIVE_UPLOAD_URL, gateways: ARCHIVE_GATEWAYS }
  }
}

function problemsOf(error: z.ZodError | undefined): readonly string[] {
  return (error?.issues ?? []).map(({ path, message }) => `${String(path[0])}: ${message}`)
}

function upstreamOptions(
  data: z.output<typeof upstreamEnvironment>,
  model: { readonly MODEL_NAME: string; readonly MODEL_SHA256: Hex },
): UpstreamOptions {
  return {
    url: data.UPSTREAM_URL,
    kind: data.UPSTREAM_KIND,
    model: model.MODEL_NAME,
    weightsSha256: model.MODEL_SHA256,
    chatTemplateSha256: data.UPSTREAM_CHAT_TEMPLATE_SHA256,
    quantization: data.UPSTREAM_QUANTIZATION,
    contextTokens: data.UPSTREAM_CONTEXT_TOKENS,
    features: data.UPSTREAM_FEATURES ?? USUAL_FEATURES[data.UPSTREAM_KIND],
    prefixCache: data.UPSTREAM_PREFIX_CACHE,
    maxAnswers: data.UPSTREAM_MAX_ANSWERS,
  }
}

/** By itself, so that a wrong chain shows beside whatever else is wrong. */
function chainProblems(env: Environment): readonly string[] {
  const { CHAIN_ID, DEPLOYMENT } = environment.shape
  const stated = CHAIN_ID.safeParse(env['CHAIN_ID'])
  const deployed = DEPLOYMENT.safeParse(env['DEPLOYMENT'])
  if (!stated.success || !deployed.success) return []
  const { chainId } = deployed.data
  return stated.data === chainId ? [] : [`CHAIN_ID: the deployment is on chain ${chainId}`]
}

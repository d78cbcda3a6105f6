import { parseDeployment, type Deployment } from '@jeju/contracts'
import {
  intelTrustAnchor,
  parsePolicy,
  simulatedTrustAnchor,
  type AppraisalPolicy,
  type TrustAnchor,
} from '@jeju/verifier'
import {
  INTEL_PCS_URL,
  NVIDIA_NRAS_URL,
  NVIDIA_OCSP_URL,
  NVIDIA_RIM_URL,
} from '@jeju/verifier/collateral'
import { nvidiaTrustAnchor, simulatedGpuTrustAnchor, type GpuTrustAnchor } from '@jeju/verifier/gpu'
import { z } from 'zod'
import { readX402, x402Shape, type X402Settings } from './x402/x402-settings.ts'
import { readSponsor, sponsorShape, type SponsorSettings } from './sponsor/sponsor-settings.ts'

/** Everything a gateway is told from outside. */
export interface Config {
  /** Asked in this order. */
  readonly rpcUrls: readonly string[]
  readonly deployment: Deployment
  readonly policy: AppraisalPolicy
  /** The same, as it was given. */
  readonly policyText: string
  readonly trustAnchor: TrustAnchor
  /** SQLite file; `:memory:` keeps nothing over a restart. */
  readonly storeFile: string
  /** Where replicas share leases, limits and budgets; undefined: there are none. */
  readonly replicas: ReplicaSettings | undefined
  /** PostgreSQL that keeps receipts; undefined: none does. It may hold a password. */
  readonly ledgerUrl: string | undefined
  /** File of the key that signs the gateway's own receipts; undefined: it gives none. */
  readonly receiptKeyFile: string | undefined
  /** What the gateway pays nodes with itself; undefined: it pays for nobody. */
  readonly sponsor: SponsorSettings | undefined
  /** How it is paid for single requests; undefined: it is not. */
  readonly x402: X402Settings | undefined
  readonly limits: Limits
  /** Intel's PCS, or a PCCS with the same paths. */
  readonly collateralUrl: string
  /** Roots that GPUs are judged by, where the policy takes them. */
  readonly gpuTrustAnchor: GpuTrustAnchor
  /** NVIDIA's RIM service, or a copy with the same paths. */
  readonly rimUrl: string
  readonly ocspUrl: string
  /** NVIDIA's attestation service, where the policy wants its word; undefined where nobody is to be asked. */
  readonly nrasUrl: string | undefined
  /** Providers on plain HTTP and loopback addresses; for a network on one machine only. */
  readonly allowLoopbackProviders: boolean
  /** How often chain and leases are looked at. */
  readonly pollIntervalMs: number
  readonly host: string
  readonly port: number
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

/** What replicas have in common. */
export interface ReplicaSettings {
  /** Redis; it may hold a password. */
  readonly redisUrl: string
  /** Nonces are drawn by it, so that evidence of another replica proves its age; the same in all of them. */
  readonly secret: Uint8Array
}

/** How much is taken from whom. */
export interface Limits {
  readonly wallet: { readonly requestsPerMinute: number; readonly concurrent: number }
  /** Prompts under way, of all wallets together. */
  readonly promptsUnderWay: number
  /** Leases that one machine may have at once. */
  readonly leasesPerPlatform: number
  /** A node without any byte of an answer for so long is left for the next candidate, where there is one. */
  readonly failoverAfterMs: number
}

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

/** Hex of 32 random bytes has twice as many. */
const MIN_SECRET = 32

const decimal = z.string().regex(/^(0|[1-9][0-9]*)$/, 'expected a decimal integer')

/** A setting that another module reads; what it throws becomes the problem's text. */
function readBy<Value>(
  read: (text: string) => Value,
): (text: string, context: z.core.$RefinementCtx) => Value {
  return (text, context) => {
    try {
      return read(text)
    } catch (error) {
      context.addIssue(error instanceof Error ? error.message : 'not readable')
      return z.NEVER
    }
  }
}

/** A whole number within bounds. */
function count(min: number, max: number, usual: number): z.ZodType<number> {
  return decimal.transform(Number).pipe(z.number().min(min).max(max)).default(usual)
}

const environment = z.object({
  RPC_URL: z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(
      z
        .array(z.url({ protocol: /^https?$/ }))
        .min(1)
        .max(8),
    ),
  CHAIN_ID: decimal.transform(Number),
  DEPLOYMENT: z.string().transform(readBy(parseDeployment)),
  POLICY: z.string().transform(readBy(parsePolicy)),
  TRUST_ROOT: z.string().default('intel').transform(readBy(parseTrustRoot)),
  COLLATERAL_URL: z.url({ protocol: /^https?$/ }).default(INTEL_PCS_URL),
  GPU_TRUST_ROOT: z.string().default('nvidia').transform(readBy(parseGpuTrustRoot)),
  RIM_URL: z.url({ protocol: /^https?$/ }).default(NVIDIA_RIM_URL),
  OCSP_URL: z.url({ protocol: /^https?$/ }).default(NVIDIA_OCSP_URL),
  NRAS_URL: z.url({ protocol: /^https?$/ }).optional(),
  ALLOW_LOOPBACK_PROVIDERS: z.enum(['true', 'false']).default('false'),
  POLL_INTERVAL_MS: decimal.transform(Number).pipe(z.number().min(100).max(600_000)).default(2_000),
  STORE: z.string().min(1).default(':memory:'),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  // Never quoted: neither by us nor by the parser.
  REPLICA_SECRET: z
    .string()
    .min(MIN_SECRET, `expected ${MIN_SECRET} characters or more`)
    .optional(),
  POSTGRES_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  RECEIPT_KEY_FILE: z.string().min(1).optional(),
  WALLET_REQUESTS_PER_MINUTE: count(1, 1_000_000, 600),
  WALLET_CONCURRENT_REQUESTS: count(1, 10_000, 64),
  MAX_PROMPTS_UNDER_WAY: count(1, 100_000, 1_024),
  MAX_LEASES_PER_PLATFORM: count(1, 1_000, 8),
  FAILOVER_AFTER_MS: count(10, 600_000, 60_000),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: decimal.transform(Number).pipe(z.number().max(65_535)),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  ...sponsorShape,
  ...x402Shape,
})

/** `intel`, or `simulated:<name>:<base64 DER>`: another root is handed in by name or not at all. */
function parseTrustRoot(text: string): TrustAnchor {
  if (text === 'intel') return intelTrustAnchor()
  const [kind, name = '', base64 = '', ...others] = text.split(':')
  const der = canonicalBase64(base64)
  if (kind !== 'simulated' || der === undefined || others.length > 0) {
    throw new Error('expected intel or simulated:<name>:<base64 DER>')
  }
  return simulatedTrustAnchor(name, der)
}

/** `nvidia`, or `simulated:<name>:<base64 DER>:<base64 DER>` of the roots of devices and of RIM signers. */
function parseGpuTrustRoot(text: string): GpuTrustAnchor {
  if (text === 'nvidia') return nvidiaTrustAnchor()
  const [kind, name = '', device = '', rim = '', ...others] = text.split(':')
  const [deviceRoot, rimRoot] = [canonicalBase64(device), canonicalBase64(rim)]
  if (kind !== 'simulated' || !deviceRoot || !rimRoot || others.length > 0) {
    throw new Error('expected nvidia or simulated:<name>:<base64 DER>:<base64 DER>')
  }
  return simulatedGpuTrustAnchor(name, { deviceRoot, rimRoot })
}

function canonicalBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

/**
 * Reads the environment.
 * @throws ConfigError with every problem
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
    )
  }
  const { data } = parsed
  const problems: string[] = []
  if (data.DEPLOYMENT.chainId !== data.CHAIN_ID) {
    problems.push(`CHAIN_ID: the deployment is on chain ${data.DEPLOYMENT.chainId}`)
  }
  if (!data.POLICY.tiers.includes(data.TRUST_ROOT.tier)) {
    problems.push(`TRUST_ROOT: the policy does not list the tier ${data.TRUST_ROOT.tier}`)
  }
  const { gpu } = data.POLICY
  const nrasUrl = data.NRAS_URL?.replace(/\/+$/, '')
  if (gpu !== 'forbidden' && gpu.appraisal !== 'local' && nrasUrl === undefined) {
    problems.push(`NRAS_URL: expected for gpu.appraisal ${gpu.appraisal} of the policy, got none`)
  }
  // Its key set is not signed: a copy is not as good, and what is no NVIDIA under NVIDIA's name is refused.
  const isNvidia = nrasUrl === NVIDIA_NRAS_URL
  if (nrasUrl !== undefined && isNvidia !== (data.GPU_TRUST_ROOT.tier === 'nvidia')) {
    problems.push(`NRAS_URL: expected ${NVIDIA_NRAS_URL} under NVIDIA's roots, and only there`)
  }
  if (data.GPU_TRUST_ROOT.tier === 'simulated' && !data.POLICY.tiers.includes('simulated')) {
    problems.push('GPU_TRUST_ROOT: the policy does not list the tier simulated')
  }
  const sponsor = readSponsor(data, problems)
  const x402 = readX402(data, data.CHAIN_ID, sponsor !== undefined, problems)
  const { REDIS_URL: redisUrl, REPLICA_SECRET: secret } = data
  if ((redisUrl === undefined) !== (secret === undefined)) {
    problems.push('REPLICA_SECRET: expected together with REDIS_URL')
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    rpcUrls: data.RPC_URL,
    deployment: data.DEPLOYMENT,
    policy: data.POLICY,
    policyText: env['POLICY'] ?? '',
    trustAnchor: data.TRUST_ROOT,
    storeFile: data.STORE,
    replicas:
      redisUrl === undefined || secret === undefined
        ? undefined
        : { redisUrl, secret: new Uint8Array(Buffer.from(secret)) },
    ledgerUrl: data.POSTGRES_URL,
    receiptKeyFile: data.RECEIPT_KEY_FILE,
    sponsor,
    x402,
    limits: {
      wallet: {
        requestsPerMinute: data.WALLET_REQUESTS_PER_MINUTE,
        concurrent: data.WALLET_CONCURRENT_REQUESTS,
      },
      promptsUnderWay: data.MAX_PROMPTS_UNDER_WAY,
      leasesPerPlatform: data.MAX_LEASES_PER_PLATFORM,
      failoverAfterMs: data.FAILOVER_AFTER_MS,
    },
    collateralUrl: data.COLLATERAL_URL,
    gpuTrustAnchor: data.GPU_TRUST_ROOT,
    rimUrl: data.RIM_URL,
    ocspUrl: data.OCSP_URL,
    nrasUrl,
    allowLoopbackProviders: data.ALLOW_LOOPBACK_PROVIDERS === 'true',
    pollIntervalMs: data.POLL_INTERVAL_MS,
    host: data.HOST,
    port: data.PORT,
    logLevel: data.LOG_LEVEL,
  }
}

import { createSimulatedGpus } from '@jeju/simulator/gpu'
import { describe, expect, test } from 'vitest'
import { ConfigError, parseConfig } from '@jeju/gateway'
import { deployment } from './network/deployment.ts'
import { takesAnyGpu } from '../gpu-policy.ts'
import { policyOf } from '../simulated-trust.ts'
import { platform } from './network/test-network.ts'
import { TestNode } from './network/test-node.ts'

const base64 = Buffer.from(platform.rootCertificateDer).toString('base64')
const policy = policyOf(new TestNode(platform).td)
const good = {
  RPC_URL: 'http://127.0.0.1:8545',
  CHAIN_ID: '31337',
  DEPLOYMENT: JSON.stringify(deployment),
  POLICY: JSON.stringify(policy),
  TRUST_ROOT: `simulated:devnet:${base64}`,
  PORT: '0',
}

test('an environment in full', () => {
  expect(
    parseConfig({
      ...good,
      RPC_URL: 'http://127.0.0.1:8545, https://rpc.test',
      ALLOW_LOOPBACK_PROVIDERS: 'true',
      POLL_INTERVAL_MS: '500',
    }),
  ).toEqual({
    rpcUrls: ['http://127.0.0.1:8545', 'https://rpc.test'],
    storeFile: ':memory:',
    replicas: undefined,
    ledgerUrl: undefined,
    sponsor: undefined,
    x402: undefined,
    limits: {
      wallet: { requestsPerMinute: 600, concurrent: 64 },
      promptsUnderWay: 1_024,
      leasesPerPlatform: 8,
      failoverAfterMs: 60_000,
    },
    deployment,
    policy,
    policyText: good.POLICY,
    trustAnchor: { tier: 'simulated', name: 'devnet', certificate: platform.rootCertificateDer },
    collateralUrl: 'https://api.trustedservices.intel.com',
    gpuTrustAnchor: expect.objectContaining({ tier: 'nvidia' }),
    rimUrl: 'https://rim.attestation.nvidia.com',
    ocspUrl: 'https://ocsp.ndis.nvidia.com',
    nrasUrl: undefined,
    allowLoopbackProviders: true,
    pollIntervalMs: 500,
    host: '127.0.0.1',
    port: 0,
    logLevel: 'info',
  })
})

test('roots of GPUs are handed in by name, both of them, or are NVIDIA’s', () => {
  const { deviceRoot, rimRoot } = createSimulatedGpus({ at: new Date() }).roots
  const [device, rim] = [deviceRoot, rimRoot].map((der) => Buffer.from(der).toString('base64'))
  const GPU_TRUST_ROOT = `simulated:devnet:${device ?? ''}:${rim ?? ''}`
  expect(parseConfig({ ...good, GPU_TRUST_ROOT }).gpuTrustAnchor).toMatchObject({
    tier: 'simulated',
    name: 'devnet',
  })
  for (const wrong of [`nvidia:${device ?? ''}`, `simulated::${device ?? ''}:${rim ?? ''}`, '']) {
    expect(named({ ...good, GPU_TRUST_ROOT: wrong })).toEqual(['GPU_TRUST_ROOT'])
  }
})

test('D2 a policy that wants the word of NVIDIA’s service names it, and only NVIDIA’s speaks under NVIDIA’s roots', () => {
  const wants = (appraisal: string): string =>
    JSON.stringify({ ...policy, gpu: { ...takesAnyGpu, appraisal } })
  const NRAS_URL = 'https://nras.attestation.nvidia.com'
  for (const appraisal of ['nras', 'both']) {
    const POLICY = wants(appraisal)
    expect(named({ ...good, POLICY })).toEqual(['NRAS_URL'])
    expect(parseConfig({ ...good, POLICY, NRAS_URL: `${NRAS_URL}/` }).nrasUrl).toBe(NRAS_URL)
    expect(named({ ...good, POLICY, NRAS_URL: 'https://nras.example' })).toEqual(['NRAS_URL'])
  }
  const { deviceRoot, rimRoot } = createSimulatedGpus({ at: new Date() }).roots
  const [device, rim] = [deviceRoot, rimRoot].map((der) => Buffer.from(der).toString('base64'))
  const GPU_TRUST_ROOT = `simulated:devnet:${device ?? ''}:${rim ?? ''}`
  const simulated = { ...good, POLICY: wants('both'), GPU_TRUST_ROOT }
  expect(named({ ...simulated, NRAS_URL })).toEqual(['NRAS_URL'])
  expect(named({ ...simulated, NRAS_URL: 'http://127.0.0.1:1' })).toEqual([])
  expect(parseConfig({ ...good, POLICY: wants('local') }).nrasUrl).toBeUndefined()
})

test('replicas share a store by a secret of their own, and neither without the other', () => {
  const REDIS_URL = 'rediss://:password@redis.test:6380'
  const REPLICA_SECRET = 'x'.repeat(32)
  const { replicas } = parseConfig({ ...good, REDIS_URL, REPLICA_SECRET })
  expect(replicas).toEqual({ redisUrl: REDIS_URL, secret: new Uint8Array(32).fill(0x78) })
  expect(named({ ...good, REDIS_URL })).toEqual(['REPLICA_SECRET'])
  expect(named({ ...good, REPLICA_SECRET })).toEqual(['REPLICA_SECRET'])
  expect(named({ ...good, REDIS_URL, REPLICA_SECRET: 'short' })).toEqual(['REPLICA_SECRET'])
  expect(named({ ...good, REDIS_URL: 'http://redis', REPLICA_SECRET })).toEqual(['REDIS_URL'])
  expect(named({ ...good, POSTGRES_URL: 'mysql://db' })).toEqual(['POSTGRES_URL'])
})

const SPONSOR_SETTINGS = {
  SPONSOR_KEY_FILE: '/run/secrets/key',
  SPONSOR_FOLDER: '/var/lib/channels',
  SPONSOR_CHANNEL_AMOUNT: '1000',
  SPONSOR_LOCKED_PER_DAY: '9223372036854775807',
  SPONSOR_MAX_FEE: '10',
}

describe('a gateway that is paid by x402', () => {
  const x402 = {
    X402_FACILITATOR_URL: 'https://facilitator.test/x402/',
    X402_PUBLIC_URL: 'https://gateway.test',
    X402_PAY_TO: `0x${'AB'.repeat(20)}`,
    X402_UNITS_PER_ETHER: '3000000000',
    X402_MAX_AMOUNT: '1000000',
    X402_UNPAID_PER_DAY: '1000',
  }
  const all = { ...good, ...SPONSOR_SETTINGS, ...x402 }

  test.each([
    ['8453', 'USD Coin'],
    ['84532', 'USDC'],
  ])('takes USDC on chain %s', (X402_CHAIN_ID, name) => {
    expect(parseConfig({ ...all, X402_CHAIN_ID }).x402).toMatchObject({
      facilitatorUrl: 'https://facilitator.test/x402',
      payTo: `0x${'ab'.repeat(20)}`,
      chainId: Number(X402_CHAIN_ID),
      asset: { name, version: '2' },
      unitsPerEther: 3_000_000_000n,
    })
  })

  test('or another asset that is named in full', () => {
    const asset = {
      X402_ASSET: `0x${'0a'.repeat(20)}`,
      X402_ASSET_NAME: 'D',
      X402_ASSET_VERSION: '1',
    }
    expect(parseConfig({ ...all, ...asset }).x402).toMatchObject({
      chainId: 31337,
      asset: { address: asset.X402_ASSET, name: 'D', version: '1' },
    })
    for (const name of Object.keys(asset)) {
      expect(named({ ...all, ...asset, [name]: undefined })).toEqual(['X402_ASSET'])
    }
    expect(named(all)).toEqual(['X402_ASSET'])
  })

  test('says all of it, and pays its nodes', () => {
    const base = { ...all, X402_CHAIN_ID: '8453' }
    for (const name of Object.keys(x402))
      expect(named({ ...base, [name]: undefined })).toEqual([name])
    expect(named({ ...good, ...x402, X402_CHAIN_ID: '8453' })).toEqual(['X402_FACILITATOR_URL'])
    const plain = { ...base, X402_FACILITATOR_URL: 'http://facilitator.test' }
    expect(named(plain)).toEqual(['X402_FACILITATOR_URL'])
  })
})

test('a gateway that pays says with what and how much, all of it', () => {
  const sponsor = SPONSOR_SETTINGS
  expect(parseConfig({ ...good, ...sponsor, ACCOUNTS_FILE: 'accounts.json' }).sponsor).toEqual({
    keyFile: '/run/secrets/key',
    folder: '/var/lib/channels',
    channels: 'receipts',
    channelAmount: 1_000n,
    lockedPerDay: 2n ** 63n - 1n,
    maxFeePerRequest: 10n,
    accountsFile: 'accounts.json',
  })
  const byVouchers = { ...good, ...sponsor, SPONSOR_CHANNELS: 'vouchers' }
  expect(parseConfig(byVouchers).sponsor).toMatchObject({ channels: 'vouchers' })
  expect(named({ ...byVouchers, SPONSOR_CHANNELS: 'VOUCHER' })).toEqual(['SPONSOR_CHANNELS'])
  expect(named({ ...good, SPONSOR_CHANNELS: 'vouchers' })).toEqual(['SPONSOR_CHANNELS'])
  expect(named({ ...good, ACCOUNTS_FILE: 'accounts.json' })).toEqual(['ACCOUNTS_FILE'])
  for (const name of Object.keys(sponsor)) {
    expect(named({ ...good, ...sponsor, [name]: undefined })).toEqual([name])
  }
  for (const name of ['SPONSOR_CHANNEL_AMOUNT', 'SPONSOR_LOCKED_PER_DAY', 'SPONSOR_MAX_FEE']) {
    for (const wrong of ['0', '-1', '1.5', '9223372036854775808']) {
      expect(named({ ...good, ...sponsor, [name]: wrong })).toEqual([name])
    }
  }
})

test('what is not said is the safe choice', () => {
  const tdx = JSON.stringify({ ...policy, tiers: ['tdx'] })
  const config = parseConfig({ ...good, POLICY: tdx, TRUST_ROOT: undefined })
  expect(config).toMatchObject({ allowLoopbackProviders: false, host: '127.0.0.1' })
  expect(config.trustAnchor.tier).toBe('tdx')
})

test('every problem is named at once', () => {
  expect(named({})).toEqual(['RPC_URL', 'CHAIN_ID', 'DEPLOYMENT', 'POLICY', 'PORT'])
  const wrong = {
    RPC_URL: 'ftp://x',
    CHAIN_ID: '0x7a69',
    DEPLOYMENT: '{}',
    POLICY: '{"v":1}',
    TRUST_ROOT: 'any',
    STORE: '',
    WALLET_REQUESTS_PER_MINUTE: '0',
    FAILOVER_AFTER_MS: '1.5',
    GPU_TRUST_ROOT: 'simulated:devnet:AAAA',
    RIM_URL: 'ftp://rims',
    OCSP_URL: 'ftp://ocsp',
    ALLOW_LOOPBACK_PROVIDERS: '1',
    POLL_INTERVAL_MS: '0',
    HOST: '',
    PORT: '70000',
    LOG_LEVEL: 'loud',
  }
  const names = named(wrong).map((name) => name.replace('.0', ''))
  expect(names.toSorted()).toEqual(Object.keys(wrong).toSorted())
})

describe('B11 no setting turns a failure into a pass', () => {
  test('a simulated root is refused unless the policy says simulated', () => {
    const tdx = JSON.stringify({ ...policy, tiers: ['tdx'] })
    expect(named({ ...good, POLICY: tdx })).toEqual(['TRUST_ROOT'])
    const none = JSON.stringify({ ...policy, tiers: [] })
    expect(named({ ...good, POLICY: none })).toEqual(['TRUST_ROOT'])
  })

  test('Intel’s root needs a policy that says tdx', () => {
    expect(named({ ...good, TRUST_ROOT: 'intel' })).toEqual(['TRUST_ROOT'])
  })

  test.each([
    '',
    'Intel',
    ' intel',
    'intel:x',
    'none',
    'simulated',
    'simulated:devnet',
    'simulated:devnet:',
    `simulated::${base64}`,
    `simulated:devnet:${base64}:`,
    `simulated:devnet:${base64}=`,
    `simulated:devnet: ${base64}`,
    `simulated:devnet:${base64}!`,
    `tdx:devnet:${base64}`,
    base64,
  ])('TRUST_ROOT %j is refused', (text) => {
    expect(named({ ...good, TRUST_ROOT: text })).toEqual(['TRUST_ROOT'])
  })

  test.each(['yes', 'TRUE', '1', ''])('ALLOW_LOOPBACK_PROVIDERS %j is refused', (text) => {
    expect(named({ ...good, ALLOW_LOOPBACK_PROVIDERS: text })).toEqual(['ALLOW_LOOPBACK_PROVIDERS'])
  })

  test('an unknown member of the policy is refused, not ignored', () => {
    const POLICY = JSON.stringify({ ...policy, skipVerification: true })
    expect(named({ ...good, POLICY })).toEqual(['POLICY'])
  })
})

test('F6 a deployment of another chain is refused', () => {
  expect(named({ ...good, CHAIN_ID: '1' })).toEqual(['CHAIN_ID'])
})

/** Names of the settings a ConfigError speaks of. */
function named(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    parseConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => problem.slice(0, problem.indexOf(':')))
  }
  return []
}

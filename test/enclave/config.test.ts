import { describe, expect, test } from 'vitest'
import { ConfigError, parseConfig } from '../../enclave/src/config.ts'
import { embeddedModel } from '../../enclave/src/engine/embedded-model.ts'
import { deployment } from './setting/deployment.ts'

const GOOD = {
  KEY_API: 'v0',
  RPC_URL: 'https://rpc.test/secret-path',
  CHAIN_ID: '31337',
  DEPLOYMENT: JSON.stringify(deployment),
  AGENT_ID: '0',
  SERVICE_ID: '0',
  PUBLIC_URL: 'https://node.test',
  PORT: '8080',
  STATE_DIR: '/data',
  MODEL_SHA256: embeddedModel.sha256,
}

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    parseConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('the environment', () => {
  test('is read with defaults', () => {
    expect(parseConfig(GOOD)).toEqual({
      guestAgentSocket: '/var/run/dstack.sock',
      keyApi: 'v0',
      rpcUrls: ['https://rpc.test/secret-path'],
      chainId: 31337,
      deployment,
      agentId: 0n,
      serviceId: 0,
      publicUrl: 'https://node.test',
      port: 8080,
      host: '0.0.0.0',
      metricsPort: undefined,
      stateDir: '/data',
      tls: 'elsewhere',
      prompts: 'any',
      gpu: 'none',
      gpuRoot: 'nvidia',
      collateralUrl: 'https://api.trustedservices.intel.com',
      source: { repoUrl: null, repoCommit: null, imageDigest: null },
      model: { path: embeddedModel.path, sha256: embeddedModel.sha256, name: 'enclave-mini' },
      settleIntervalMs: 60_000,
      settlement: { worth: 2, confirmations: 12 },
      archive: { kind: 'off' },
      receiptEpochS: 3_600,
      drainMs: 8_000,
      streamIntervalMs: 20,
      walletLimits: { requestsPerMinute: 600, concurrent: 32 },
      upstream: undefined,
      logLevel: 'info',
    })
  })

  test('an archive is where it was said to be', () => {
    const read = (changes: Record<string, string>): unknown =>
      parseConfig({ ...GOOD, ...changes }).archive
    expect(read({ ARCHIVE: 'file', STATE_DIR: '/data' })).toEqual({
      kind: 'file',
      folder: '/data/archive',
    })
    expect(read({ ARCHIVE: 'file', ARCHIVE_DIR: '/archive' })).toMatchObject({ folder: '/archive' })
    expect(read({ ARCHIVE: 'arweave' })).toEqual({
      kind: 'arweave',
      uploadUrl: 'https://upload.ardrive.io/v1/tx',
      gateways: ['https://arweave.net', 'https://permagate.io', 'https://ar-io.dev'],
    })
    const own = { ARCHIVE_UPLOAD_URL: 'http://up.test/tx', ARCHIVE_GATEWAYS: 'http://a.test' }
    expect(read({ ARCHIVE: 'arweave', ...own })).toEqual({
      kind: 'arweave',
      uploadUrl: 'http://up.test/tx',
      gateways: ['http://a.test'],
    })
  })

  test('all problems are named at once', () => {
    const named = problemsOf({}).map((problem) => problem.split(':')[0])
    expect(new Set(named)).toEqual(new Set(Object.keys(GOOD)))
  })

  test('all problems are named at once: those of one field, of two, and of the surroundings', () => {
    const problems = problemsOf({
      ...GOOD,
      PORT: 'http',
      CHAIN_ID: '1',
      KEY_API: undefined,
      DSTACK_SIMULATOR_ENDPOINT: '/tmp/x.sock',
    })
    const named = problems.map((problem) => problem.split(':')[0])
    expect(named).toHaveLength(4)
    expect(new Set(named)).toEqual(
      new Set(['CHAIN_ID', 'DSTACK_SIMULATOR_ENDPOINT', 'KEY_API', 'PORT']),
    )
  })

  test('D3 whether there are GPUs is said, and nothing between', () => {
    expect(parseConfig({ ...GOOD, GPU: 'required' }).gpu).toBe('required')
    for (const GPU of ['optional', 'auto', 'true', '', '1']) {
      expect(problemsOf({ ...GOOD, GPU })).toHaveLength(1)
    }
  })

  test('C18 key_surface_is_pinned: stated, and v1 is not silently v0', () => {
    expect(problemsOf({ ...GOOD, KEY_API: undefined })).toHaveLength(1)
    expect(problemsOf({ ...GOOD, KEY_API: 'v1' })).toEqual([
      'KEY_API: expected v0; v1 is not supported by this version',
    ])
    expect(problemsOf({ ...GOOD, KEY_API: 'auto' })).toHaveLength(1)
  })

  test('N1 a simulator endpoint refuses the start, whatever it is set to', () => {
    for (const value of ['', '/tmp/x.sock', 'http://127.0.0.1:1']) {
      expect(problemsOf({ ...GOOD, DSTACK_SIMULATOR_ENDPOINT: value })).toHaveLength(1)
    }
  })

  test.each([
    ['CHAIN_ID', ['0', '-1', '1.5', '0x1', '01', '1', '']],
    ['AGENT_ID', ['-1', 'none', '1e3', (2n ** 256n).toString()]],
    ['SERVICE_ID', ['-1', '4294967296']],
    ['PORT', ['65536', '-1', 'http']],
    [
      'PUBLIC_URL',
      ['node.test', 'ftp://node.test', 'https://node.test/path', 'https://a:b@node.test', ''],
    ],
    ['RPC_URL', ['rpc.test', 'ws://rpc.test', 'file:///etc/passwd']],
    ['DEPLOYMENT', ['', '{}', '[]', 'null']],
    ['MODEL_SHA256', ['', '0x', 'ab'.repeat(32), `0x${'AB'.repeat(32)}`, `0x${'ab'.repeat(31)}`]],
    ['STATE_DIR', ['']],
    ['LOG_LEVEL', ['verbose', '']],
    // N11 settles_before_close: a channel that is served closes in a quarter of an hour at the earliest.
    ['SETTLE_INTERVAL_S', ['0', '301', '3600', '1.5']],
    ['SETTLE_WORTH', ['-1', '1.2345', 'all', '1001']],
    ['SETTLE_CONFIRMATIONS', ['0', '257', '1.5']],
    ['METRICS_PORT', ['65536', '-1', 'http']],
    ['ARCHIVE', ['', 'ipfs']],
    ['ARCHIVE_UPLOAD_URL', ['upload', 'ftp://upload.test']],
    ['ARCHIVE_GATEWAYS', ['', 'https://a.test,', 'https://a.test/path', 'file:///etc']],
    ['RECEIPT_EPOCH_S', ['0', '86401', '1.5']],
    ['DRAIN_TIMEOUT_S', ['601', '-1', '']],
  ])('%s is refused when it is wrong', (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ ...GOOD, [name]: value })
      expect([value, problems.map((problem) => problem.split(':')[0])]).toEqual([value, [name]])
    }
  })

  test('several RPCs are asked in their order, and one that is none refuses the start', () => {
    const urls = 'https://one.test,http://two.test:8545/key'
    expect(parseConfig({ ...GOOD, RPC_URL: urls }).rpcUrls).toEqual(urls.split(','))
    for (const RPC_URL of [
      '',
      'https://one.test,',
      ',',
      `${'https://a.test,'.repeat(8)}https://b.test`,
    ]) {
      expect(problemsOf({ ...GOOD, RPC_URL })).not.toEqual([])
    }
  })

  test('E10 cache_salt_per_tenant: a server that cannot keep prefixes apart has to keep none', () => {
    const upstream = {
      ...GOOD,
      ENGINE: 'upstream',
      UPSTREAM_URL: 'http://engine:8000',
      UPSTREAM_CHAT_TEMPLATE_SHA256: `0x${'ab'.repeat(32)}`,
      UPSTREAM_QUANTIZATION: 'none',
      UPSTREAM_CONTEXT_TOKENS: '4096',
    }
    for (const UPSTREAM_KIND of ['vllm', 'sglang']) {
      expect(parseConfig({ ...upstream, UPSTREAM_KIND }).upstream?.prefixCache).toBe('salted')
    }
    const tgi = { ...upstream, UPSTREAM_KIND: 'tgi' }
    expect(problemsOf(tgi)[0]).toContain('UPSTREAM_PREFIX_CACHE')
    const off = { ...tgi, UPSTREAM_PREFIX_CACHE: 'off' }
    expect(parseConfig(off).upstream).toMatchObject({ prefixCache: 'off', features: ['logprobs'] })
    // What it has in another form is not what OpenAI's clients ask for.
    for (const UPSTREAM_FEATURES of ['json', 'tools,json_schema', 'penalties']) {
      expect(problemsOf({ ...off, UPSTREAM_FEATURES })[0]).toContain('UPSTREAM_FEATURES')
    }
    const usual = ['completions', 'json', 'json_schema', 'logprobs', 'penalties']
    expect(parseConfig({ ...upstream, UPSTREAM_KIND: 'vllm' }).upstream?.features).toEqual(usual)
  })

  test('ids beyond 2^53 are exact', () => {
    const id = (2n ** 256n - 1n).toString()
    expect(parseConfig({ ...GOOD, AGENT_ID: id }).agentId.toString()).toBe(id)
  })
})

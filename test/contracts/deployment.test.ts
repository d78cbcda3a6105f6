import { readFileSync } from 'node:fs'
import { CANONICAL_ERC8004, INTEL_ROOT_SHA256, parseDeployment } from '@jeju/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const ADDRESSES = [
  'identityRegistry',
  'reputationRegistry',
  'computeStaking',
  'computeRegistry',
  'ledgerManager',
  'inferenceServing',
  'receiptRoots',
] as const

const genuine: Record<string, unknown> = {
  chainId: 31337,
  deployedAtBlock: 0,
  ...Object.fromEntries(ADDRESSES.map((name, i) => [name, `0x${'Ab'.repeat(19)}0${i + 1}`])),
}

const judges: Record<string, unknown> = {
  rootCertificateHash: `0x${'Ef'.repeat(32)}`,
  verifierIndex: 0,
  ...Object.fromEntries(
    ['tdxVerifier', 'collateralBatch', 'attestationVerifier'].map((name, i) => [
      name,
      `0x${'Ab'.repeat(19)}1${i + 1}`,
    ]),
  ),
}
const withTdx = (tdx: unknown): string => JSON.stringify({ ...genuine, tdx })

const refused = { name: 'DeploymentError', code: 'CONFIG_DEPLOYMENT' }

function outcome(text: string): unknown {
  try {
    return parseDeployment(text)
  } catch (error) {
    return error
  }
}

describe('parseDeployment', () => {
  it('reads what the deploy script writes, addresses in lower case', () => {
    const deployment = parseDeployment(JSON.stringify(genuine))
    expect(deployment.chainId).toBe(31337)
    expect(deployment.deployedAtBlock).toBe(0)
    expect(deployment.ledgerManager).toBe(`0x${'ab'.repeat(19)}05`)
    expect(Object.keys(deployment)).toHaveLength(9)
  })

  it.each(Object.keys(genuine))('refuses a deployment without %s', (name) => {
    const { [name]: _, ...rest } = genuine
    expect(outcome(JSON.stringify(rest))).toMatchObject(refused)
  })

  it.each(ADDRESSES)('refuses a bad %s', (name) => {
    const bad = ['', '0x', '0x12', `0x${'00'.repeat(20)}`, `${'ab'.repeat(20)}`, 5, null, ['0x']]
    for (const value of bad) {
      expect(outcome(JSON.stringify({ ...genuine, [name]: value }))).toMatchObject(refused)
    }
  })

  it('refuses one address for two contracts, in whatever case', () => {
    const doubled = { ...genuine, ledgerManager: `0x${'aB'.repeat(19)}06` }
    expect(outcome(JSON.stringify(doubled))).toMatchObject(refused)
  })

  it('refuses a member it does not know', () => {
    expect(outcome(JSON.stringify({ ...genuine, owner: genuine['ledgerManager'] }))).toMatchObject(
      refused,
    )
    expect(outcome(`{"__proto__":{},${JSON.stringify(genuine).slice(1)}`)).toMatchObject(refused)
  })

  it('reads what judges quotes, where there is such', () => {
    const { tdx } = parseDeployment(withTdx(judges))
    expect(tdx?.rootCertificateHash).toBe(`0x${'ef'.repeat(32)}`)
    expect(tdx?.attestationVerifier).toBe(`0x${'ab'.repeat(19)}13`)
    expect(Object.keys(tdx ?? {})).toHaveLength(5)
  })

  it.each(Object.keys(judges))('refuses what judges quotes without %s', (name) => {
    const { [name]: _, ...rest } = judges
    expect(outcome(withTdx(rest))).toMatchObject(refused)
  })

  it('refuses what judges quotes with anything wrong in it', () => {
    const bad: unknown[] = [
      null,
      [],
      'x',
      { ...judges, owner: genuine['ledgerManager'] },
      { ...judges, rootCertificateHash: `0x${'ef'.repeat(20)}` },
      { ...judges, verifierIndex: -1 },
      { ...judges, verifierIndex: 32 },
      { ...judges, tdxVerifier: genuine['ledgerManager'] },
      { ...judges, tdxVerifier: judges['collateralBatch'] },
    ]
    for (const tdx of bad) expect(outcome(withTdx(tdx))).toMatchObject(refused)
  })

  it('R14 simulated_root_refused_on_base: only Intel’s root is taken there', () => {
    const base = { ...genuine, chainId: 8453, ...CANONICAL_ERC8004.get(8453) }
    const rooted = (rootCertificateHash: string): string =>
      JSON.stringify({ ...base, tdx: { ...judges, rootCertificateHash } })
    expect(outcome(rooted(`0x${'ef'.repeat(32)}`))).toMatchObject(refused)
    expect(outcome(rooted(INTEL_ROOT_SHA256))).toMatchObject({ chainId: 8453 })
  })

  it('knows the same root as the contracts', () => {
    for (const file of ['src/tdx/pki/Authorities.sol', 'script/TdxSet.sol']) {
      const source = readFileSync(new URL(`../../contracts/${file}`, import.meta.url), 'utf8')
      expect(source).toContain(INTEL_ROOT_SHA256)
    }
  })

  it.each(['', '{', '[]', 'null', '1', '"x"'])('refuses %j', (text) => {
    expect(outcome(text)).toMatchObject(refused)
  })

  it('reads a number as a positive integer or refuses', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.string(), fc.integer()), (chainId) => {
        const result = outcome(JSON.stringify({ ...genuine, chainId }))
        const sound = typeof chainId === 'number' && Number.isSafeInteger(chainId) && chainId >= 1
        expect(result).toMatchObject(sound ? { chainId } : refused)
      }),
    )
  })
})

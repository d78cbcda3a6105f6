import { parseDeployment } from '@jeju/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const ADDRESSES = [
  'identityRegistry',
  'reputationRegistry',
  'computeStaking',
  'computeRegistry',
  'ledgerManager',
  'inferenceServing',
] as const

const genuine: Record<string, unknown> = {
  chainId: 31337,
  deployedAtBlock: 0,
  ...Object.fromEntries(ADDRESSES.map((name, i) => [name, `0x${'Ab'.repeat(19)}0${i + 1}`])),
}

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
    expect(Object.keys(deployment)).toHaveLength(8)
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

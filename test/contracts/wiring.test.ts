import { readFileSync } from 'node:fs'
import {
  CANONICAL_ERC8004,
  parseDeployment,
  requireWiring,
  type Deployment,
  type Hex,
  type PeerGetter,
} from '@jeju/contracts'
import { describe, expect, it } from 'vitest'

const address = (digit: string): Hex => `0x${digit.repeat(40)}`
const local: Deployment = {
  chainId: 31337,
  deployedAtBlock: 0,
  identityRegistry: address('1'),
  reputationRegistry: address('2'),
  computeStaking: address('3'),
  computeRegistry: address('4'),
  ledgerManager: address('5'),
  inferenceServing: address('6'),
  receiptRoots: address('c'),
}
const root: Hex = `0x${'e'.repeat(64)}`
const judged: Deployment = {
  ...local,
  tdx: {
    rootCertificateHash: root,
    verifierIndex: 0,
    tdxVerifier: address('7'),
    collateralBatch: address('8'),
    attestationVerifier: address('b'),
  },
}
const refused = { name: 'DeploymentError', code: 'CONFIG_DEPLOYMENT' }

function peer(deployment: Deployment, getter: PeerGetter): Hex {
  const { tdx } = deployment
  if (getter === 'getIdentityRegistry') return deployment.identityRegistry
  if (getter === 'tdxVerifier' || getter === 'rootCertificateHash') return tdx?.[getter] ?? '0x'
  return deployment[getter]
}

describe('R16 registry_is_canonical', () => {
  it.each([...CANONICAL_ERC8004])(
    'on chain %i only the canonical registries are taken',
    (chainId, registries) => {
      const canonical = { ...local, chainId, ...registries }
      expect(parseDeployment(JSON.stringify(canonical))).toEqual(canonical)
      for (const name of ['identityRegistry', 'reputationRegistry'] as const) {
        const lookAlike = JSON.stringify({ ...canonical, [name]: address('9') })
        expect(() => parseDeployment(lookAlike)).toThrow(expect.objectContaining(refused))
      }
    },
  )

  it('the deploy script has the same addresses', () => {
    const source = readFileSync(
      new URL('../../contracts/script/Erc8004.sol', import.meta.url),
      'utf8',
    )
    const written = [...source.matchAll(/0x[0-9a-fA-F]{40}/g)].map(([hex]) => hex.toLowerCase())
    expect(written).toEqual([...CANONICAL_ERC8004.values()].flatMap(Object.values))
  })

  it.each([
    ['', local, 12],
    [', and what judges quotes', judged, 15],
  ])('every contract is asked for its peers%s', async (_, deployment, count) => {
    const asked: string[] = []
    await requireWiring(deployment, (contract, getter) => {
      asked.push(`${contract} ${getter}`)
      return Promise.resolve(peer(deployment, getter))
    })
    expect(asked).toHaveLength(count)
    for (const wrong of asked) {
      const check = requireWiring(deployment, (contract, getter) => {
        const isWrong = `${contract} ${getter}` === wrong
        return Promise.resolve(isWrong ? address('9') : peer(deployment, getter))
      })
      await expect(check).rejects.toMatchObject(refused)
    }
  })

  it('R14 simulated_root_refused_on_base: not even asked', async () => {
    const base = { ...judged, chainId: 8453, ...CANONICAL_ERC8004.get(8453) }
    const check = requireWiring(base, () => Promise.reject(new Error('asked')))
    await expect(check).rejects.toMatchObject(refused)
  })

  it('what the reader throws goes through, and a look-alike is not even asked', async () => {
    const down = new Error('down')
    await expect(requireWiring(local, () => Promise.reject(down))).rejects.toBe(down)
    await expect(
      requireWiring({ ...local, chainId: 8453 }, () => Promise.reject(down)),
    ).rejects.toMatchObject(refused)
  })
})

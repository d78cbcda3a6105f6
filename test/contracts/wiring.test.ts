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
}
const refused = { name: 'DeploymentError', code: 'CONFIG_DEPLOYMENT' }

function peer(deployment: Deployment, getter: PeerGetter): Hex {
  return deployment[getter === 'getIdentityRegistry' ? 'identityRegistry' : getter]
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

  it('every contract is asked for its peers', async () => {
    const asked: string[] = []
    await requireWiring(local, (contract, getter) => {
      asked.push(`${contract} ${getter}`)
      return Promise.resolve(peer(local, getter))
    })
    expect(asked).toHaveLength(9)
    for (const wrong of asked) {
      const check = requireWiring(local, (contract, getter) =>
        Promise.resolve(`${contract} ${getter}` === wrong ? address('9') : peer(local, getter)),
      )
      await expect(check).rejects.toMatchObject(refused)
    }
  })

  it('what the reader throws goes through, and a look-alike is not even asked', async () => {
    const down = new Error('down')
    await expect(requireWiring(local, () => Promise.reject(down))).rejects.toBe(down)
    await expect(
      requireWiring({ ...local, chainId: 8453 }, () => Promise.reject(down)),
    ).rejects.toMatchObject(refused)
  })
})

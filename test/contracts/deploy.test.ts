import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  CANONICAL_ERC8004,
  computeRegistryAbi,
  INTEL_ROOT_SHA256,
  parseDeployment,
  type Hex,
} from '@jeju/contracts'
import { createTestClient, encodeAbiParameters, http, publicActions } from 'viem'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseArguments } from '../../contracts/tools/deploy/arguments.ts'
import { deploy, runForge, type Deployed } from '../../contracts/tools/deploy/deploy.ts'
import { startAnvil, type Anvil } from '../../demo/network/chain.ts'

const DEPLOYER: Hex = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const SIGNING = ['--', '--unlocked', '--sender', DEPLOYER]
const SAFE: Hex = `0x${'5a'.repeat(20)}`
const KEY_ONLY: Hex = `0x${'4e'.repeat(20)}`
const SIMULATED_ROOT: Hex = `0x${'5e'.repeat(32)}`
/** Of `VerifierState`. */
const LISTED = 2
/** Answers every call with one word: PUSH32 word, MSTORE at 0, RETURN 32 bytes. */
const answering = (word: Hex): Hex => `0x7f${word.slice(2)}60005260206000f3`
/** What public chains get is compiled first, slowly. */
const COMPILING = 20 * 60_000

const deployments = fileURLToPath(new URL('../../contracts/deployments', import.meta.url))
let anvil: Anvil | undefined
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploy-'))
})
afterEach(async () => {
  await anvil?.process.stop()
  anvil = undefined
  await rm(folder, { recursive: true })
})
afterAll(async () => {
  const left = await readdir(deployments).catch(() => [])
  expect(left.filter((name) => name.startsWith('draft-'))).toEqual([])
})

/** A local chain under this id, with code where the canonical registries are. */
async function chainOf(chainId: number): Promise<void> {
  anvil = await startAnvil(chainId)
  const client = clientOf(anvil)
  const canonical = CANONICAL_ERC8004.get(chainId)
  if (canonical === undefined) return
  const identity = encodeAbiParameters([{ type: 'address' }], [canonical.identityRegistry])
  await client.setCode({ address: canonical.identityRegistry, bytecode: answering(identity) })
  await client.setCode({ address: canonical.reputationRegistry, bytecode: answering(identity) })
  await client.setCode({ address: SAFE, bytecode: '0x00' })
}

function clientOf({ rpcUrl }: Anvil) {
  return createTestClient({ mode: 'anvil', transport: http(rpcUrl) }).extend(publicActions)
}

function run(...args: readonly string[]): Promise<Deployed> {
  const out = ['--out', join(folder, 'deployment.json')]
  return deploy(parseArguments([...args, ...out, ...SIGNING], { RPC_URL: anvil?.rpcUrl }))
}

async function blocks(): Promise<bigint> {
  if (anvil === undefined) throw new Error('no chain')
  return clientOf(anvil).getBlockNumber({ cacheTime: 0 })
}

describe('the command line', () => {
  test.each([
    [['nowhere']],
    [[]],
    [['anvil', 'sepolia']],
    [['sepolia']],
    [['anvil', '--owner', '0x12']],
    [['anvil', '--owner', `0x${'00'.repeat(20)}`]],
    [['anvil', '--private-key', '0x12']],
    [['anvil', '--simulated-root', `0x${'5e'.repeat(20)}`]],
    [['anvil', '--remover', '0x12']],
  ])('%j is refused', (args) => {
    expect(() => parseArguments(args, {})).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('off Anvil it is a rehearsal unless told otherwise', () => {
    const env = { RPC_URL: 'https://rpc.test' }
    expect(parseArguments(['anvil'], {})).toMatchObject({ broadcast: true })
    expect(parseArguments(['sepolia'], env)).toMatchObject({ broadcast: false, signing: [] })
    expect(parseArguments(['mainnet', '--broadcast'], env)).toMatchObject({ broadcast: true })
  })
})

describe('deploying', () => {
  test('T6 deploy_refuses_wrong_chain', async () => {
    await chainOf(31337)
    for (const target of ['sepolia', 'mainnet']) {
      await expect(run(target, '--owner', SAFE)).rejects.toMatchObject({ code: 'WRONG_CHAIN' })
    }
    await anvil?.process.stop()
    await chainOf(8453)
    for (const target of ['anvil', 'sepolia']) {
      await expect(run(target, '--owner', SAFE)).rejects.toMatchObject({ code: 'WRONG_CHAIN' })
    }
    expect(await readdir(folder)).toEqual([])
  })

  test('on Anvil everything is deployed and recorded', async () => {
    await chainOf(31337)
    const { deployment, written } = await run('anvil')
    expect(written).toBe(join(folder, 'deployment.json'))
    expect(parseDeployment(await readFile(join(folder, 'deployment.json'), 'utf8'))).toEqual(
      deployment,
    )
    expect(await readdir(folder)).toEqual(['deployment.json'])
    expect(deployment.tdx).toMatchObject({
      rootCertificateHash: INTEL_ROOT_SHA256,
      verifierIndex: 0,
    })
  })

  test('on Anvil the root of a simulated machine can be pinned, and the verifier that pins it is listed', async () => {
    await chainOf(31337)
    const { deployment } = await run('anvil', '--simulated-root', SIMULATED_ROOT)
    if (anvil === undefined || deployment.tdx === undefined) throw new Error('not deployed')
    const { tdx, computeRegistry } = deployment
    expect(tdx.rootCertificateHash).toBe(SIMULATED_ROOT)
    const listed = await clientOf(anvil).readContract({
      address: computeRegistry,
      abi: computeRegistryAbi,
      functionName: 'verifierAt',
      args: [BigInt(tdx.verifierIndex)],
    })
    expect(listed.verifier.toLowerCase()).toBe(tdx.attestationVerifier)
    expect(listed).toMatchObject({ state: LISTED, simulated: true })
  })

  test(
    'a rehearsal on Base Sepolia sends and writes nothing; a broadcast does both',
    { timeout: COMPILING },
    async () => {
      await chainOf(84532)
      const before = await blocks()
      const rehearsal = await run('sepolia', '--owner', KEY_ONLY)
      expect(rehearsal.written).toBeUndefined()
      expect(rehearsal.deployment).toMatchObject({
        chainId: 84532,
        ...CANONICAL_ERC8004.get(84532),
      })
      expect(await readdir(folder)).toEqual([])
      expect(await blocks()).toBe(before)

      await expect(run('sepolia')).rejects.toMatchObject({ code: 'OWNER' })
      await expect(run('sepolia', '--owner', KEY_ONLY, '--contract-owner')).rejects.toMatchObject({
        code: 'OWNER',
      })
      const { deployment } = await run(
        'sepolia',
        '--owner',
        SAFE,
        '--contract-owner',
        '--broadcast',
      )
      expect(parseDeployment(await readFile(join(folder, 'deployment.json'), 'utf8'))).toEqual(
        deployment,
      )
    },
  )

  test(
    'R14, R16: on Base only a contract may own it, no simulated root and no look-alike is taken',
    { timeout: COMPILING },
    async () => {
      await chainOf(8453)
      if (anvil === undefined) throw new Error('no chain')
      await expect(run('mainnet', '--owner', KEY_ONLY)).rejects.toMatchObject({ code: 'OWNER' })
      const simulated = ['mainnet', '--owner', SAFE, '--simulated-root', SIMULATED_ROOT] as const
      await expect(run(...simulated)).rejects.toMatchObject({ code: 'ROOT' })
      // The script says it too, whoever calls it.
      const unasked = parseArguments([...simulated, ...SIGNING], { RPC_URL: anvil.rpcUrl })
      await expect(runForge(unasked, join(folder, 'draft.json'))).rejects.toMatchObject({
        code: 'FORGE',
        message: expect.stringContaining('SimulatedRoot') as string,
      })
      const { deployment } = await run('mainnet', '--owner', SAFE)
      expect(deployment.tdx?.rootCertificateHash).toBe(INTEL_ROOT_SHA256)
      expect(deployment).toMatchObject({ chainId: 8453, ...CANONICAL_ERC8004.get(8453) })

      const canonical = CANONICAL_ERC8004.get(8453)
      if (canonical === undefined) throw new Error('no canonical registries')
      await clientOf(anvil).setCode({ address: canonical.identityRegistry, bytecode: '0x' })
      await expect(run('mainnet', '--owner', SAFE)).rejects.toMatchObject({ code: 'FORGE' })
      expect(await readdir(folder)).toEqual([])
    },
  )

  test('an RPC that is away is said so', async () => {
    await expect(
      deploy(parseArguments(['anvil', '--rpc-url', 'http://127.0.0.1:1'], {})),
    ).rejects.toMatchObject({ code: 'RPC' })
  })
})

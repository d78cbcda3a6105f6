import { tdxAttestationVerifierAbi, type Hex } from '@jeju/contracts'
import { launchTd, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import {
  bindingIdOf,
  randomBytes32,
  reportData,
  toHex,
  ZERO_DIGEST,
  type NodeStatement,
} from '@jeju/verifier/protocol'
import { createTestClient, encodeFunctionData, http, publicActions } from 'viem'
import { foundry } from 'viem/chains'
import { issue } from '../../../simulator/src/pki/certificate-authority.ts'
import { systemRandom } from '../../../simulator/src/pki/random-source.ts'
import { SGX_EXTENSION_OID, sgxExtension } from '../../../simulator/src/pki/sgx-extension.ts'
import { createQuotingEnclave } from '../../../simulator/src/quote/quoting-enclave.ts'
import { APP_COMPOSE, offerOf, type Market, type Stranger } from './market.ts'

export const DAY_MS = 24 * 3600 * 1000

export function testClient({ chain }: Market) {
  const transport = http(chain.rpcUrl)
  return createTestClient({ mode: 'anvil', chain: foundry, transport }).extend(publicActions)
}

/** Of what is signed for the registry. */
export function domainOf({ chain }: Market) {
  const { chainId, computeRegistry } = chain.deployment
  return { chainId: BigInt(chainId), verifyingContract: computeRegistry }
}

export function statementOf(agentId: bigint, operator: Hex, signer: Hex): NodeStatement {
  const digest = toHex(randomBytes32())
  return {
    agentId,
    operator,
    signer,
    keysetDigest: digest,
    modelCatalogDigest: digest,
    postureDigest: digest,
    gpuDevicesDigest: ZERO_DIGEST,
    instanceId: digest,
  }
}

export const ANY_STATEMENT: NodeStatement = statementOf(
  0n,
  `0x${'0b'.repeat(20)}`,
  `0x${'05'.repeat(20)}`,
)

/** A quote over a registration in the block before the newest, and what it names. */
export async function quoteOf(
  market: Market,
  machine: SimulatedTd,
  statement: NodeStatement,
  changedHash?: Hex,
) {
  const { number, parentHash } = await testClient(market).getBlock()
  const bindingId = bindingIdOf(statement, domainOf(market))
  const named = { blockNumber: number - 1n, blockHash: changedHash ?? parentHash }
  const data = reportData(bindingId, { kind: 'registration', ...named }, ZERO_DIGEST)
  return { quote: await machine.quote(data), bindingId, ...named, blockHash: parentHash }
}

/** What the verifier's adapter says to evidence of this machine. */
export async function appraise(
  market: Market,
  who: Stranger,
  machine: SimulatedTd,
  changedHash?: Hex,
): Promise<void> {
  const { quote, bindingId, blockNumber, blockHash } = await quoteOf(
    market,
    machine,
    ANY_STATEMENT,
    changedHash,
  )
  const evidence = toHex(await who.dcap.evidenceOf(quote, new Uint8Array(32)))
  await who.dcap.estimate({
    to: market.tdx.attestationVerifier,
    data: encodeFunctionData({
      abi: tdxAttestationVerifierAbi,
      functionName: 'appraise',
      args: [bindingId, blockNumber, blockHash, false, evidence],
    }),
  })
}

/** Everything that a quote of this platform needs. */
export async function bringAll(
  market: Market,
  who: Stranger,
  platform: SimulatedPlatform = market.platform,
) {
  const machine = launchTd(platform, { appCompose: APP_COMPOSE })
  const { quote } = await quoteOf(market, machine, ANY_STATEMENT)
  return who.dcap.bring(await who.dcap.plan(quote, offerOf(platform.pki)), who.send)
}

/** Another machine under the same root, of a family of its own. */
export async function otherFamily(market: Market): Promise<SimulatedPlatform> {
  const { pki } = market.platform
  const platform = { ...pki.platform, fmspc: Uint8Array.of(0x90, 0xc0, 0x6f, 0, 0, 0) }
  const at = Date.now()
  const pckLeaf = await issue({
    commonName: 'Intel SGX PCK Certificate',
    role: 'leaf',
    issuer: pki.platformCa,
    validity: { from: new Date(at - DAY_MS), until: new Date(at + 300 * DAY_MS) },
    random: systemRandom,
    crlUrl: 'https://crl.invalid',
    extensions: [{ oid: SGX_EXTENSION_OID, der: sgxExtension(platform) }],
  })
  const other = { ...pki, platform, pckLeaf }
  const quotingEnclave = await createQuotingEnclave(other, systemRandom)
  return { ...market.platform, pki: other, quotingEnclave }
}

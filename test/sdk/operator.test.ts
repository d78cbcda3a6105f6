import { computeRegistryAbi, identityRegistryAbi } from '@jeju/contracts'
import { createProvider, type Provider } from '@jeju/sdk'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { keccak256, toHex, utf8, type Hex } from '@jeju/verifier/protocol'
import { getAddress, encodeAbiParameters, encodeEventTopics } from 'viem'
import { describe, expect, test } from 'vitest'
import { giveFeedback } from '../../sdk/src/findings/give-feedback.ts'
import { deployment } from './market/deployment.ts'
import { collateralOf, policyOf } from '../simulated-trust.ts'
import { Market, platform } from './market/market.ts'
import { ACCOUNT, answering, TestRpc } from './market/test-rpc.ts'

const ID: Hex = `0x${'77'.repeat(32)}`
const LOWER: Hex = `0x${'ab'.repeat(20)}`
const HUGE = 2n ** 200n + 1n

describe('an operator', () => {
  const minted = (agentId: bigint): object => ({
    address: deployment.identityRegistry,
    topics: encodeEventTopics({
      abi: identityRegistryAbi,
      eventName: 'Registered',
      args: { agentId, owner: ACCOUNT },
    }),
    data: encodeAbiParameters([{ type: 'string' }], ['uri']),
  })

  test('T3 the id of a minted agent is the one of the event, not of the simulation', async () => {
    const rpc = new TestRpc(answering({ register: { returns: 1n } }))
    rpc.logs = [minted(HUGE)]
    const provider = createProvider({ wallet: rpc.wallet(), deployment })
    expect(await provider.mintAgent('data:,')).toBe(HUGE)
    rpc.logs = [{ ...minted(5n), address: deployment.computeRegistry }]
    await expect(provider.mintAgent('data:,')).rejects.toMatchObject({ code: 'CHAIN_EVENT' })
  })

  test('stakes, registers, offers, claims and posts feedback', async () => {
    const nothing = { returns: undefined }
    const rpc = new TestRpc(
      answering({
        stakeAsProvider: { returns: ID },
        register: nothing,
        addService: { returns: 0 },
        claim: { returns: 44n },
        claimableOf: { returns: 55n },
        postFeedback: nothing,
        setAgentURI: nothing,
        revokeBinding: nothing,
      }),
    )
    rpc.logs = [
      {
        address: deployment.computeRegistry,
        topics: encodeEventTopics({
          abi: computeRegistryAbi,
          eventName: 'ServiceAdded',
          args: { agentId: 7n, serviceId: 3, modelId: ID },
        }),
        data: encodeAbiParameters([{ type: 'string' }], ['model']),
      } as object,
    ]
    const provider = createProvider({ wallet: rpc.wallet(), deployment })
    expect(await provider.stake(7n, 100n)).toBe(ID)
    await provider.register(7n, 'https://node.test')
    const price = { inPerMTok: 1n, outPerMTok: 2n, maxOutputTokens: 3 }
    expect(await provider.addService(7n, ID, 'model', price)).toBe(3)
    expect(await provider.claim()).toBe(44n)
    expect(await provider.claimableOf()).toBe(55n)
    await provider.postFeedback(7n)
    await provider.setAgentUri(7n, 'data:,')
    await provider.revokeBinding(ID)
    expect(rpc.sent).toMatchObject([
      { functionName: 'stakeAsProvider', args: [7n], value: 100n },
      { functionName: 'register', args: [7n, 'https://node.test'] },
      { functionName: 'addService', args: [7n, ID, 'model', { ...price, effectiveFrom: 0n }] },
      { functionName: 'claim', args: [ACCOUNT] },
      { functionName: 'postFeedback' },
      { functionName: 'setAgentURI' },
      { functionName: 'revokeBinding' },
    ])
  })

  describe('approves a binding', () => {
    const market = new Market([{ agentId: 7n, operator: LOWER }])
    const [node] = market.nodes
    const trust = {
      trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
      collateral: collateralOf(platform),
      policy: policyOf(node.td),
    }
    /** An operator whose agent is registered at `endpoint`, and the places that were asked for evidence. */
    const registeredAt = (
      endpoint: string,
    ): { rpc: TestRpc; provider: Provider; asked: string[] } => {
      const row = { owner: ACCOUNT, registeredAt: 1n, active: true, barred: false }
      const rpc = new TestRpc(
        answering({
          providerOf: { returns: { ...row, endpointVersion: 1, endpoint } },
          approveBinding: { returns: node.bindingId },
        }),
      )
      const asked: string[] = []
      const provider = createProvider({
        wallet: rpc.wallet(),
        deployment,
        transport: async (input) => {
          const url = new URL(input instanceof Request ? input.url : input)
          asked.push(url.origin + url.pathname)
          if (url.hostname === 'gone.test') throw new TypeError('fetch failed')
          return new Response(await node.evidence(`0x${url.searchParams.get('nonce') ?? ''}`))
        },
      })
      return { rpc, provider, asked }
    }

    test('only of a node whose evidence names agent and wallet', async () => {
      const { rpc, provider } = registeredAt('https://node.test')
      await expect(provider.approveBinding(8n, trust)).rejects.toMatchObject({
        failedChecks: ['statement-identity'],
      })
      expect(rpc.sent).toHaveLength(0)
      const { claims } = await provider.approveBinding(7n, trust)
      expect(claims.bindingId).toBe(node.bindingId)
      const { operator, signer } = claims.statement
      const addresses = { operator: getAddress(operator), signer: getAddress(signer) }
      expect(rpc.sent).toMatchObject([
        { functionName: 'approveBinding', args: [{ ...claims.statement, ...addresses }] },
      ])
    })

    test('N15 self_check_before_register: of none that nobody reaches at its endpoint', async () => {
      const at = 'https://one.node.test'
      const gone = registeredAt('https://gone.test')
      for (const nodeUrl of [undefined, at]) {
        await expect(gone.provider.approveBinding(7n, trust, nodeUrl)).rejects.toMatchObject({
          code: 'PROVIDER_UNAVAILABLE',
        })
      }
      expect(gone.asked).toEqual(Array(2).fill('https://gone.test/v1/attestation'))
      expect(gone.rpc.sent).toEqual([])
      for (const endpoint of ['', 'http://node.test', 'https://u:p@node.test', 'ftp://x']) {
        const { provider, rpc, asked } = registeredAt(endpoint)
        await expect(provider.approveBinding(7n, trust)).rejects.toMatchObject({
          code: 'CONFIG_ENDPOINT',
        })
        expect([rpc.sent, asked]).toEqual([[], []])
      }
      const both = registeredAt('https://node.test')
      await both.provider.approveBinding(7n, trust, at)
      expect(both.asked).toEqual([
        'https://node.test/v1/attestation',
        'https://one.node.test/v1/attestation',
      ])
      expect(both.rpc.sent).toHaveLength(1)
    })
  })

  test('gives feedback with the weight of what it has paid', async () => {
    const volume = 2n * 10n ** 18n
    const rpc = new TestRpc(
      answering({ settledVolume: { returns: volume }, giveFeedback: { returns: undefined } }),
    )
    const document = '{"at":"now"}'
    const finding = { agentId: 7n, checks: ['receipt-response'], document }
    const given = await giveFeedback(finding, { wallet: rpc.wallet(), deployment })
    expect(given.weight).toBe(volume)
    expect(rpc.sent).toMatchObject([
      {
        functionName: 'giveFeedback',
        args: [
          7n,
          -2_000_000_000n,
          9,
          'finding',
          'receipt-response',
          '',
          'data:application/json,%7B%22at%22%3A%22now%22%7D',
          toHex(keccak256(utf8(document))),
        ],
      },
    ])
  })
})

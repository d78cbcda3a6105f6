import {
  computeRegistryAbi,
  gpuDevicesAbi,
  INTEL_ROOT_SHA256,
  lowercase,
  type TdxDeployment,
} from '@jeju/contracts'
import { createOnchainDcap, type CollateralOffer, type Send } from '@jeju/contracts/dcap'
import {
  collateralRequestOf,
  encodeCollateral,
  type CollateralClient,
} from '@jeju/verifier/collateral'
import { fromHex, toHex, type Hex } from '@jeju/verifier/protocol'
import { encodeFunctionData, type PublicClient } from 'viem'
import { ChainError, type OnchainVerification } from './node-chain.ts'

/** Where Intel's collateral comes from. */
export type CollateralSource = Pick<CollateralClient, 'collateralFor' | 'evaluationNumbers'>

/** Collaborators of {@link createVerification}. */
export interface VerificationParts {
  readonly reader: PublicClient
  readonly tdx: TdxDeployment
  readonly computeRegistry: Hex
  /** The node's signer, which pays. */
  readonly account: { readonly address: Hex }
  readonly send: Send
  readonly collateral: CollateralSource
}

/** Registrations judged by the deployment's verifier. What a contract refuses is a DcapError with the reason in words. */
export function createVerification(parts: VerificationParts): OnchainVerification {
  const { reader, tdx, computeRegistry, account, send, collateral } = parts
  const dcap = createOnchainDcap({ reader, tdx, account: account.address })
  const offer: CollateralOffer = {
    collateralFor: (request, update) => fetched(() => collateral.collateralFor(request, update)),
    evaluationNumbers: () => fetched(() => collateral.evaluationNumbers()),
  }
  const verifierIndex = BigInt(tdx.verifierIndex)
  const gpuDevices = (): Promise<Hex> =>
    reader.readContract({
      address: computeRegistry,
      abi: computeRegistryAbi,
      functionName: 'gpuDevices',
    })
  // Devices under a simulated root are a world of their own.
  const isSimulated = lowercase(tdx.rootCertificateHash) !== INTEL_ROOT_SHA256
  // Refused by the estimate, it costs nothing and says why.
  const estimated = async (to: Hex, data: Hex): ReturnType<Send> => {
    const { gas } = await dcap.estimate({ to, data })
    return send({ to, data, gas: (gas * 9n) / 8n })
  }
  return {
    verifierIndex,
    bringCollateral: async (quote, caching) =>
      dcap.bring(await dcap.plan(quote, offer, caching), send),
    collateralOf: async (evidence) => {
      const request = collateralRequestOf(evidence)
      return encodeCollateral(await fetched(() => collateral.collateralFor(request)))
    },
    evidenceOf: (quote, digest) => dcap.evidenceOf(quote, fromHex(digest, 32)),
    attest: async ({ statement, evidence, blockNumber, deadline, signerSig }) => {
      const data = encodeFunctionData({
        abi: computeRegistryAbi,
        functionName: 'attest',
        args: [statement, verifierIndex, toHex(evidence), blockNumber, deadline, signerSig],
      })
      return estimated(computeRegistry, data)
    },
    renew: async ({ agentId, bindingId, blockNumber, evidence }) => {
      const data = encodeFunctionData({
        abi: computeRegistryAbi,
        functionName: 'renew',
        args: [agentId, bindingId, blockNumber, toHex(evidence)],
      })
      return estimated(computeRegistry, data)
    },
    deviceClaim: async (bindingId) => {
      const devices = { address: await gpuDevices(), abi: gpuDevicesAbi } as const
      const args = [bindingId, isSimulated] as const
      const [{ wholeSince, keptUntil, blockNumber }, leaseS] = await Promise.all([
        reader.readContract({ ...devices, functionName: 'claimOf', args }),
        reader.readContract({ ...devices, functionName: 'CLAIM_LEASE' }),
      ])
      return { isWhole: wholeSince !== 0n, keptUntil, leaseS, blockNumber }
    },
    heldUntil: async (bindingId, devices) => {
      const record = { address: await gpuDevices(), abi: gpuDevicesAbi } as const
      const holders = await Promise.all(
        devices.map((device) =>
          reader.readContract({ ...record, functionName: 'holderOf', args: [device, isSimulated] }),
        ),
      )
      const others = new Set(holders.filter((holder) => holder !== bindingId))
      const ends = await Promise.all(
        [...others].map(async (holder) => {
          const args = [holder, isSimulated] as const
          return (await reader.readContract({ ...record, functionName: 'claimOf', args })).keptUntil
        }),
      )
      return ends.reduce((latest, end) => (end > latest ? end : latest), 0n)
    },
    claimDevices: async (statement, devices) => {
      const args = [statement, devices] as const
      const data = encodeFunctionData({ abi: gpuDevicesAbi, functionName: 'claim', args })
      return estimated(await gpuDevices(), data)
    },
  }
}

/** The service that does not answer is tried again; its message names addresses, codes and documents only. */
async function fetched<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    const message = error instanceof Error ? error.message.slice(0, 300) : 'no answer'
    throw new ChainError('CHAIN_UNAVAILABLE', `collateral: ${message}`)
  }
}

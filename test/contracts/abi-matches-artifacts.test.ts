import { existsSync, readdirSync, readFileSync } from 'node:fs'
import {
  collateralBatchAbi,
  collateralReaderAbi,
  computeRegistryAbi,
  computeStakingAbi,
  identityRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  measurementPolicyAbi,
  reputationRegistryAbi,
  tdxAttestationVerifierAbi,
  tdxVerifierAbi,
} from '@jeju/contracts'
import { describe, expect, it } from 'vitest'

const contracts = new URL('../../contracts/', import.meta.url)

const GENERATED = [
  { contract: 'CollateralBatch', file: 'collateral-batch', abi: collateralBatchAbi },
  { contract: 'CollateralReader', file: 'collateral-reader', abi: collateralReaderAbi },
  { contract: 'ComputeRegistry', file: 'compute-registry', abi: computeRegistryAbi },
  { contract: 'ComputeStaking', file: 'compute-staking', abi: computeStakingAbi },
  { contract: 'LedgerManager', file: 'ledger-manager', abi: ledgerManagerAbi },
  { contract: 'InferenceServing', file: 'inference-serving', abi: inferenceServingAbi },
  { contract: 'IIdentityRegistry', file: 'identity-registry', abi: identityRegistryAbi },
  { contract: 'IReputationRegistry', file: 'reputation-registry', abi: reputationRegistryAbi },
  { contract: 'MeasurementPolicy', file: 'measurement-policy', abi: measurementPolicyAbi },
  {
    contract: 'TdxAttestationVerifier',
    file: 'tdx-attestation-verifier',
    abi: tdxAttestationVerifierAbi,
  },
  { contract: 'TdxVerifier', file: 'tdx-verifier', abi: tdxVerifierAbi },
] as const

function artifactAbi(contract: string): unknown {
  const path = new URL(`out/${contract}.sol/${contract}.json`, contracts)
  if (!existsSync(path)) {
    throw new Error(
      `contracts/out has no ${contract}: run \`npm run build:contracts\` before the tests`,
    )
  }
  const artifact: unknown = JSON.parse(readFileSync(path, 'utf8'))
  return typeof artifact === 'object' && artifact !== null && 'abi' in artifact
    ? artifact.abi
    : undefined
}

describe('T1 abi_matches_artifacts', () => {
  it.each(GENERATED)('$contract', ({ contract, abi }) => {
    // If this fails, run `npm run generate:abi` and commit what it writes.
    expect(abi).toEqual(artifactAbi(contract))
  })

  it('no generated file is left over', () => {
    const files = readdirSync(new URL('abi/generated/', contracts)).toSorted()
    expect(files).toEqual(GENERATED.map(({ file }) => `${file}.ts`).toSorted())
  })
})

import type { PublicClient } from 'viem'
import type { Hex, TdxDeployment } from '../abi/index.ts'
import { fmspcOf, readChain, type Certificate } from './certificate.ts'
import type { ChainState } from './chain-state.ts'
import { standardNumberOf, type CollateralOffer } from './collateral.ts'
import { DcapError } from './dcap-error.ts'
import { packEvidence } from './evidence.ts'
import {
  batchesOf,
  lacking,
  planSteps,
  type CollateralStep,
  type Offered,
  type PckChain,
} from './plan.ts'
import { readQuote, type ChainQuote } from './quote.ts'
import { priceOf, type Cost } from './cost.ts'
import {
  batchCall,
  caOf,
  explainFailure,
  isKeyCached,
  listedPin,
  readChainState,
  requireRoot,
} from './viem-dcap.ts'

/** A transaction to be signed and sent by whoever has a key. */
export interface Transaction {
  readonly to: Hex
  readonly data: Hex
  /** Limit, with some room over the estimate. */
  readonly gas: bigint
}

/** Sends a transaction and resolves when it is mined; throws where it reverted. */
export type Send = (transaction: Transaction) => Promise<{ readonly gasUsed: bigint }>

/** Steps that share a transaction. */
export interface Batch {
  readonly steps: readonly CollateralStep[]
}

/** What was brought in one transaction. */
export interface Brought {
  readonly steps: readonly CollateralStep['name'][]
  readonly gasUsed: bigint
}

/** What a verifier on chain needs of this side: collateral, and evidence in its form. */
export interface OnchainDcap {
  /**
   * The transactions that bring what the chain lacks for this quote; none where it lacks nothing, and then nobody is asked.
   * @param caching whether further quotes of this attestation key will come, so that it is worth to be known
   * @throws DcapError, and what the offer throws
   */
  plan(quote: Uint8Array, offer: CollateralOffer, caching?: boolean): Promise<readonly Batch[]>
  /**
   * Sends them in order, each only after an estimate that the chain takes and the sender can pay.
   * @throws DcapError `REFUSED`, `GAS_MONEY`, `CHAIN_UNAVAILABLE`, and what `send` throws
   */
  bring(
    batches: readonly Batch[],
    send: Send,
    onEstimate?: (batch: Batch, cost: Cost) => void,
  ): Promise<readonly Brought[]>
  /** What a call would cost now. @throws DcapError `REFUSED` with the reason in words */
  estimate(call: { readonly to: Hex; readonly data: Hex }): Promise<Cost>
  /**
   * Evidence in the verifier's form, under the pin that the allow-list has.
   * @param gpuEvidenceDigest 32 bytes, zero without a GPU
   * @throws DcapError
   */
  evidenceOf(quote: Uint8Array, gpuEvidenceDigest: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
}

/** Settings of {@link createOnchainDcap}. */
export interface OnchainDcapOptions {
  readonly reader: PublicClient
  readonly tdx: TdxDeployment
  /** Who pays. */
  readonly account: Hex
  /** How long collateral shall last from now on; two days when absent, longer than a binding lives. */
  readonly lastsS?: bigint
}

const LASTS_S = 2n * 24n * 3600n

/** The chain's side of DCAP, for one deployment and one payer. */
export function createOnchainDcap(options: OnchainDcapOptions): OnchainDcap {
  const { reader, tdx, account, lastsS = LASTS_S } = options
  const estimate = async (
    call: { readonly to: Hex; readonly data: Hex },
    steps: readonly CollateralStep[] = [],
  ): Promise<Cost> => {
    const cost = await explained(steps, () => priceOf(reader, account, call))
    const actual = await explained([], () => reader.getBalance({ address: account }))
    if (actual >= cost.wei) return cost
    throw new DcapError(
      'GAS_MONEY',
      `gas money of ${account}: expected at least ${cost.wei} wei for ${cost.gas} gas, got ${actual}`,
    )
  }
  return {
    estimate: (call) => estimate(call),
    plan: async (quote, offer, caching = false) => {
      const chain = chainOf(readQuote(quote))
      requireRoot(chain, tdx)
      const read = (number?: number): Promise<ChainState> =>
        explained([], () => readChainState(reader, tdx, chain, number, caching))
      const known = await read()
      const first = lacking(chain, known, known.time + lastsS, caching)
      if (first.size === 0) return []
      const numbers = first.has('evaluation numbers') ? await offer.evaluationNumbers() : undefined
      const standard =
        numbers === undefined
          ? known.standard.number
          : standardNumberOf(numbers.evaluationNumbers, known.time)
      const state = standard === known.standard.number ? known : await read(standard)
      const needed = lacking(chain, state, state.time + lastsS, caching)
      const offered = await askFor({ chain, needed, numbers, standard, offer })
      const steps = planSteps(chain, state, needed, offered)
      return batchesOf(steps).map((batch) => ({ steps: batch }))
    },
    bring: async (batches, send, onEstimate) => {
      const brought: Brought[] = []
      for (const batch of batches) {
        const call = batchCall(batch.steps, tdx)
        const cost = await estimate(call, batch.steps)
        onEstimate?.(batch, cost)
        // A little more than the estimate: what is known by then costs less, and nothing costs more.
        const { gasUsed } = await send({ ...call, gas: (cost.gas * 9n) / 8n })
        brought.push({ steps: batch.steps.map(({ name }) => name), gasUsed })
      }
      return brought
    },
    evidenceOf: async (quote, gpuEvidenceDigest) => {
      const cut = readQuote(quote)
      const { leaf } = chainOf(cut)
      const { measurements } = cut
      const isCached = await explained([], () => isKeyCached(reader, tdx, cut, leaf))
      const pin = await explained([], () => listedPin(reader, tdx, measurements))
      // Unlisted, it is for the chain to refuse, under the strongest pin it could have had.
      const otherwise = measurements.composeHash === undefined ? 'rtmr3' : 'compose-hash'
      return packEvidence(cut, leaf, pin ?? otherwise, gpuEvidenceDigest, isCached)
    },
  }
}

async function askFor(asked: {
  readonly chain: PckChain
  readonly needed: ReadonlyMap<CollateralStep['name'], unknown>
  readonly numbers: Offered['numbers']
  readonly standard: number
  readonly offer: CollateralOffer
}): Promise<Offered> {
  const { chain, needed, numbers, standard, offer } = asked
  const ofQuote = [
    'root certificate',
    'PCK CA certificate',
    'PCK certificate',
    'evaluation numbers',
    'attestation key',
  ]
  const isAsked = [...needed.keys()].some((name) => !ofQuote.includes(name))
  const request = { fmspc: fmspcOf(chain.leaf), ca: caOf(chain) }
  const collateral = isAsked
    ? await offer.collateralFor(request, { tcbEvaluationDataNumber: standard })
    : undefined
  const signers = collateral?.tcbInfoIssuerChain ?? numbers?.evaluationNumbersIssuerChain
  return { collateral, numbers, tcbSigning: signers === undefined ? undefined : first(signers) }
}

function first(pem: string): Certificate | undefined {
  return readChain(pem)[0]
}

function chainOf(quote: ChainQuote): PckChain {
  const [leaf, ca, root] = readChain(quote.pckChainPem)
  if (leaf !== undefined && ca !== undefined && root !== undefined) return { quote, leaf, ca, root }
  throw new DcapError('QUOTE_INVALID', 'quote: expected PCK certificate, CA and root in its chain')
}

async function explained<Answer>(
  steps: readonly CollateralStep[],
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    throw explainFailure(error, steps)
  }
}

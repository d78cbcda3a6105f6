import { createSimulatedPlatform, launchTd } from '@jeju/simulator'
import {
  parseCollateral,
  QuoteVerifier,
  simulatedTrustAnchor,
  type JudgedCollateral,
  type QuoteVerifierOptions,
} from '@jeju/verifier'
import { nodeP256 } from '@jeju/verifier/node'
import { utf8 } from '@jeju/verifier/protocol'
import { contestant, contestantWith, measureInTurns, type Measurement } from '../measure.ts'
import { peerFor } from './peer.ts'

/** What `npm run bench -- verifier` publishes. */
export interface VerifierFigures {
  readonly measurements: Readonly<Record<string, Measurement>>
  /** How many times longer the peer takes, by name. */
  readonly timesFasterThanPeer: Readonly<Record<string, number>>
  /** Bytes by which the heap grew over the checks of `checks`, after garbage collection. */
  readonly memory: { readonly checks: number; readonly grownBytes: number }
}

/** A verifier, and collateral that it has verified. */
interface Judging {
  readonly verifier: QuoteVerifier
  readonly collateral: JudgedCollateral
}

const AT = new Date('2029-02-20T00:00:00Z')
const PEER = 'peer @phala/dcap-qvl 0.3.9, all checks it makes'
const MEMORY_CHECKS = 10_000

/** A version 4 quote of a simulated machine, judged by us and by the peer in the same run. */
export async function benchVerifier(): Promise<VerifierFigures> {
  const platform = await createSimulatedPlatform({ at: AT, seed: 'bench' })
  const td = launchTd(platform, { appCompose: utf8('{"name":"bench"}') })
  const quote = await td.quote(new Uint8Array(64))
  const bundle = JSON.parse(await platform.collateralJson(AT)) as Record<string, string>
  const anchor = simulatedTrustAnchor('bench', platform.rootCertificateDer)
  const { peer, collateral: peerCollateral } = peerFor(platform.rootCertificateDer, bundle)
  const nowSeconds = AT.getTime() / 1000

  const judging = async (options: QuoteVerifierOptions): Promise<Judging> => {
    const verifier = new QuoteVerifier(anchor, options)
    return { verifier, collateral: await verifier.judgeCollateral(parseCollateral(bundle), AT) }
  }
  const verify = async ({ verifier, collateral }: Judging): Promise<void> => {
    const report = await verifier.verify(quote, collateral, AT)
    if (report.genuine === undefined) throw new Error('the bench measures refusals')
  }
  const known = await judging({ signatures: nodeP256 })
  const measurements = await measureInTurns(
    {
      [PEER]: contestant(async () => peer.verify(quote, peerCollateral, nowSeconds)),
      'cold collateral: every signature': contestant(async () =>
        verify(await judging({ signatures: nodeP256 })),
      ),
      'cold collateral, Web Crypto': contestant(async () => verify(await judging({}))),
      'verified collateral, unknown platform': contestantWith(
        () => judging({ signatures: nodeP256 }),
        verify,
      ),
      'known platform': contestant(() => verify(known)),
    },
    { warmUp: 50, runs: 300 },
  )
  const peerMs = measurements[PEER]?.medianMs ?? Number.NaN
  const ours = Object.entries(measurements).filter(([name]) => name !== PEER)
  return {
    measurements,
    timesFasterThanPeer: Object.fromEntries(
      ours.map(([name, { medianMs }]) => [name, Number((peerMs / medianMs).toFixed(1))]),
    ),
    memory: await heapGrowth(async () => verify(await judging({ signatures: nodeP256 }))),
  }
}

async function heapGrowth(work: () => Promise<void>): Promise<VerifierFigures['memory']> {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('run with --expose-gc')
  for (let check = 0; check < MEMORY_CHECKS / 10; check++) await work()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let check = 0; check < MEMORY_CHECKS; check++) await work()
  collect()
  const grownBytes = process.memoryUsage().heapUsed - before
  return { checks: MEMORY_CHECKS, grownBytes }
}

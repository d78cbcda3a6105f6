import { fileURLToPath } from 'node:url'
import { createSimulatedGpus, type GpuMachine, type SimulatedGpus } from '@jeju/simulator/gpu'
import {
  GpuVerifier,
  parseSpdmReport,
  simulatedGpuTrustAnchor,
  type GpuEvidence,
} from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { takesAnyGpu } from '../../test/gpu-policy.ts'
import {
  contestant,
  contestantWith,
  measureInTurns,
  type Contestant,
  type Measurement,
} from '../measure.ts'

/** What `npm run bench -- gpu` publishes. */
export interface GpuFigures {
  readonly measurements: Readonly<Record<string, Measurement>>
  /** Highest median wanted, in milliseconds, by name. */
  readonly wantedMs: Readonly<Record<string, number>>
  /** What judging GPUs adds to what a browser loads to judge a quote: minified, gzip, without tokens of NVIDIA's service. */
  readonly gzipBytes: number
  readonly wantedGzipBytes: number
}

const AT = new Date('2029-02-20T00:00:00Z')
const NONCE = new Uint8Array(32).fill(9)
const ONE = 'one GPU, unknown, RIMs known'
const TWELVE = 'eight GPUs and four switches, unknown, RIMs known'
const PARSE = 'parse one report'

/** Devices signed by the simulator, judged by verifiers that know the RIMs, and the devices or not. */
export async function benchGpu(): Promise<GpuFigures> {
  const one = machineOf('hopper', 0)
  const twelve = machineOf('hopper-ppcie', 0)
  const oneEvidence = one.evidence(NONCE)
  const [first] = oneEvidence.devices
  if (first === undefined) throw new Error('no device')
  const measurements = await measureInTurns(
    {
      [ONE]: unknownDevices(one, machineOf('hopper', 100)),
      'one GPU, known': knownDevices(one),
      [TWELVE]: unknownDevices(twelve, machineOf('hopper-ppcie', 100)),
      'eight GPUs and four switches, known': knownDevices(twelve),
      'one GPU, nothing known': contestantWith(
        () => Promise.resolve(verifierOf(one)),
        (verifier) => verify(verifier, oneEvidence),
      ),
      [PARSE]: contestant(() => Promise.resolve(parseSpdmReport(first.report))),
    },
    { warmUp: 10, runs: 100 },
  )
  return {
    measurements,
    wantedMs: { [ONE]: 5, [TWELVE]: 40, [PARSE]: 0.1 },
    gzipBytes: await gzipBytesOfGpus(),
    wantedGzipBytes: 15_000,
  }
}

/** The bundles that `test/verifier/browser` holds to this size; the bundler is loaded when everything else is measured. */
async function gzipBytesOfGpus(): Promise<number> {
  const { bundleForBrowser } = await import('../../test/browser-bundle.ts')
  const sizeOf = async (entry: string): Promise<number> => {
    const file = new URL(`../../test/verifier/browser/${entry}`, import.meta.url)
    return (await bundleForBrowser(fileURLToPath(file))).gzipBytes
  }
  return (await sizeOf('entry-quotes-gpu.ts')) - (await sizeOf('entry-quotes.ts'))
}

/** Machines under one pair of roots, with devices from that number on. */
function machineOf(machine: GpuMachine, first: number): SimulatedGpus {
  return createSimulatedGpus({ at: AT, seed: 'bench', machine, first })
}

function verifierOf(gpus: SimulatedGpus): GpuVerifier {
  return new GpuVerifier(simulatedGpuTrustAnchor('bench', gpus.roots), { signatures: nodeP384 })
}

async function verify(verifier: GpuVerifier, evidence: GpuEvidence): Promise<void> {
  const context = { at: AT, policy: takesAnyGpu, nonce: NONCE, devicesDigest: 'any' } as const
  const { claims } = await verifier.verify(evidence, context)
  if (claims === undefined) throw new Error('the bench measures refusals')
}

/** Another machine came before: RIMs and what is above devices are known, and no device is. */
function unknownDevices(gpus: SimulatedGpus, before: SimulatedGpus): Contestant {
  const evidence = gpus.evidence(NONCE)
  const earlier = before.evidence(NONCE)
  return contestantWith(
    async () => {
      const verifier = verifierOf(gpus)
      await verify(verifier, earlier)
      return verifier
    },
    (verifier) => verify(verifier, evidence),
  )
}

/** The same devices were verified before; their reports are verified again. */
function knownDevices(gpus: SimulatedGpus): Contestant {
  const evidence = gpus.evidence(NONCE)
  const verifier = verifierOf(gpus)
  return contestant(() => verify(verifier, evidence))
}

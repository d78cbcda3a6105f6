import {
  CollateralFetchError,
  createNrasClient,
  createOcspClient,
  createRimClient,
} from '../../collateral/index.ts'
import { VerifierError } from '../../errors.ts'
import {
  gpuTrust,
  GpuVerifier,
  nrasSource,
  type GpuRequirement,
  type GpuTrustAnchor,
  type NrasSource,
} from '../../gpu/index.ts'
import type { GpuTrust } from '../../index.ts'
import { nodeP384 } from '../../node/index.ts'
import { readGpuTrustAnchor } from '../read/trust-anchor.ts'
import { UsageError } from '../usage-error.ts'

/** Who judges GPUs: the roots and services of these flags, NVIDIA's without them. @throws UsageError */
export async function gpuTrustOf(
  flags: {
    readonly 'gpu-anchor'?: string | undefined
    readonly 'rim-url'?: string | undefined
    readonly 'ocsp-url'?: string | undefined
    readonly 'nras-url'?: string | undefined
  },
  wanted: GpuRequirement,
): Promise<GpuTrust> {
  const anchor = await readGpuTrustAnchor(flags['gpu-anchor'])
  const nras = nrasAt(flags['nras-url'], anchor)
  const wantsNras = wanted !== 'forbidden' && wanted.appraisal !== 'local'
  return gpuTrust({
    verifier: new GpuVerifier(anchor, { signatures: nodeP384 }),
    rims: clientAt(flags['rim-url'], '--rim-url', createRimClient),
    ocsp: clientAt(flags['ocsp-url'], '--ocsp-url', createOcspClient),
    // It would learn which devices are judged, so it is not asked for what no check needs.
    ...(wantsNras && nras ? { nras } : {}),
  })
}

function nrasAt(url: string | undefined, anchor: GpuTrustAnchor): NrasSource | undefined {
  if (url === undefined) return undefined
  const client = clientAt(url, '--nras-url', createNrasClient)
  try {
    return nrasSource(client, anchor)
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error
    throw new UsageError(`--nras-url ${url}: ${error.message}`, { cause: error })
  }
}

function clientAt<Client>(
  url: string | undefined,
  flag: string,
  create: (options: { fetch: typeof fetch; now: () => Date; baseUrl?: string }) => Client,
): Client {
  try {
    return create({ fetch, now: () => new Date(), ...(url === undefined ? {} : { baseUrl: url }) })
  } catch (error) {
    if (!(error instanceof CollateralFetchError)) throw error
    throw new UsageError(`${flag} ${url ?? ''}: ${error.message}`, { cause: error })
  }
}

import { readFile } from 'node:fs/promises'
import { parseDeployment, type Deployment } from '@jeju/contracts'
import { MeasureError } from '../measure-error.ts'

/** Where nodes archive what must outlive them (docs/protocol.md §12.2). */
export const ARCHIVES = ['off', 'arweave', 'file'] as const

/**
 * A chain that nodes work on. All of it is measured: who could change it could lead a node to other contracts, or keep what
 * it archives from everybody.
 */
export interface Network {
  readonly rpcUrl: string
  readonly deployment: Deployment
  readonly archive: (typeof ARCHIVES)[number]
}

/**
 * Reads a network file, `{"rpcUrl","deployment","archive"?}`; without `archive` nothing is archived.
 * @throws MeasureError `MEASURE_INPUT`, DeploymentError
 */
export function parseNetwork(text: string, place: string): Network {
  const {
    rpcUrl,
    deployment,
    archive = 'off',
    ...others
  } = JSON.parse(text) as Readonly<Record<string, unknown>>
  const kind = ARCHIVES.find((one) => one === archive)
  if (typeof rpcUrl !== 'string' || !URL.canParse(rpcUrl) || Object.keys(others).length > 0) {
    throw new MeasureError('MEASURE_INPUT', `${place}: expected rpcUrl and deployment`)
  }
  if (kind === undefined) {
    throw new MeasureError('MEASURE_INPUT', `${place}: archive: expected ${ARCHIVES.join(' or ')}`)
  }
  return { rpcUrl, deployment: parseDeployment(JSON.stringify(deployment)), archive: kind }
}

/** Reads a network file from disk. @throws MeasureError, DeploymentError */
export async function readNetwork(path: string): Promise<Network> {
  return parseNetwork(await readFile(path, 'utf8'), path)
}

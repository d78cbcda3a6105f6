import { readFile } from 'node:fs/promises'
import { parseDeployment, type Deployment } from '@jeju/contracts'
import { MeasureError } from '../measure-error.ts'

/** A chain that nodes work on. Both are measured: who could change them could lead a node to other contracts. */
export interface Network {
  readonly rpcUrl: string
  readonly deployment: Deployment
}

/**
 * Reads a network file, `{"rpcUrl","deployment"}`.
 * @throws MeasureError `MEASURE_INPUT`, DeploymentError
 */
export function parseNetwork(text: string, place: string): Network {
  const { rpcUrl, deployment, ...others } = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (typeof rpcUrl !== 'string' || !URL.canParse(rpcUrl) || Object.keys(others).length > 0) {
    throw new MeasureError('MEASURE_INPUT', `${place}: expected rpcUrl and deployment`)
  }
  return { rpcUrl, deployment: parseDeployment(JSON.stringify(deployment)) }
}

/** Reads a network file from disk. @throws MeasureError, DeploymentError */
export async function readNetwork(path: string): Promise<Network> {
  return parseNetwork(await readFile(path, 'utf8'), path)
}

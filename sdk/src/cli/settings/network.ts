import { basename } from 'node:path'
import { parseDeployment, type Deployment } from '@jeju/contracts'
import {
  intelTrustAnchor,
  parsePolicy,
  simulatedTrustAnchor,
  type AppraisalPolicy,
  type CollateralSource,
  type TrustAnchor,
} from '@jeju/verifier'
import { createCollateralClient } from '@jeju/verifier/collateral'
import {
  asString,
  exactObject,
  parseStrictJson,
  ProtocolError,
  JsonError,
} from '@jeju/verifier/protocol'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import {
  readNetworkFile,
  readSettingFile,
  requireFolder,
  required,
  setting,
  type Values,
} from './read-setting.ts'

/** A network as the flags, the environment and a folder describe it. What is missing is told when it is asked for. */
export interface Network {
  deployment(): Promise<Deployment>
  rpcUrl(): string
  gateway(): string
  /** Without a network: undefined where none is named. */
  knownGateway(): string | undefined
  policy(): Promise<AppraisalPolicy>
  /** Intel's root, or one that was handed in: then that is said. */
  trustAnchor(): Promise<TrustAnchor>
  collateral(): CollateralSource
}

const ADDRESSES = ['rpc', 'gateway', 'collateral'] as const

/** Reads the folder's addresses; everything else is read when it is asked for. Throws a UsageError. */
export async function readNetwork(values: Values, terminal: Terminal): Promise<Network> {
  const of = (flag: string): string | undefined => setting(values, terminal.env, flag)
  const folder = of('network')
  if (folder !== undefined) await requireFolder(folder, 'network')
  const listed = folder === undefined ? {} : await readAddresses(folder)
  const address = (flag: (typeof ADDRESSES)[number]): string | undefined => of(flag) ?? listed[flag]
  const file = async (flag: string, name: string): Promise<Buffer | undefined> => {
    const path = of(flag)
    if (path !== undefined) return readSettingFile(path, flag)
    return folder === undefined ? undefined : readNetworkFile(folder, name)
  }
  const text = async (flag: string, name: string): Promise<string> =>
    required((await file(flag, name))?.toString('utf8'), flag)
  return {
    deployment: async () => parseDeployment(await text('deployment', 'deployment.json')),
    rpcUrl: () => requireHttp(required(address('rpc'), 'rpc'), 'rpc'),
    gateway: () => required(address('gateway'), 'gateway'),
    knownGateway: () => address('gateway'),
    policy: async () => parsePolicy(await text('policy', 'policy.json')),
    trustAnchor: async () => {
      const der = await file('root', 'root.der')
      if (der === undefined) return intelTrustAnchor()
      const name = of('root-name') ?? basename(folder ?? 'root')
      terminal.tell(
        `trust ends in the root "${name}", which is not Intel's: verdicts are SIMULATED`,
      )
      return simulatedTrustAnchor(name, new Uint8Array(der))
    },
    collateral: () => {
      const baseUrl = address('collateral')
      const now = (): Date => new Date()
      return createCollateralClient({ fetch, now, ...(baseUrl === undefined ? {} : { baseUrl }) })
    },
  }
}

/** Throws a UsageError that does not quote the address: there may be a key in it. */
function requireHttp(address: string, flag: string): string {
  const scheme = URL.canParse(address) ? new URL(address).protocol : undefined
  if (scheme === 'https:' || scheme === 'http:') return address
  throw new UsageError(`--${flag}: expected an http or https URL`)
}

/** `network.json`: {"gateway":"…","rpc":"…","collateral":"…"}, any of them. */
async function readAddresses(
  folder: string,
): Promise<Partial<Record<(typeof ADDRESSES)[number], string>>> {
  const file = await readNetworkFile(folder, 'network.json')
  if (file === undefined) return {}
  try {
    const place = 'network.json'
    const value = parseStrictJson(file.toString('utf8'), { maxDepth: 2 })
    const members = exactObject(value, place, [], ADDRESSES)
    return Object.fromEntries(
      Object.entries(members).map(([name, url]) => [name, asString(url, `${place}.${name}`)]),
    )
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof JsonError)) throw error
    throw new UsageError(`--network ${folder}: ${error.message}`, { cause: error })
  }
}

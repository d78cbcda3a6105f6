import type { Deployment } from '@jeju/contracts'
import { SdkError } from '../../errors/sdk-error.ts'
import { parseFindings, type Finding } from '../../findings/finding.ts'
import { judgeFindings, type JudgedFinding } from '../../findings/provable.ts'
import { readFindings } from '../../findings/read-findings.ts'
import { JSON_FLAG, NETWORK_FLAGS, oneOperand, readArguments, WALLET_FLAGS } from '../flags.ts'
import { readNetwork, type Network } from '../settings/network.ts'
import { readSettingFile, setting, type Values } from '../settings/read-setting.ts'
import { readWallet } from '../settings/wallet.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'

/** Where findings are read from. */
export const SOURCE_FLAGS: { readonly file: { readonly type: 'string' } } = {
  file: { type: 'string' },
}

/** The line of `--help` about {@link SOURCE_FLAGS}. */
export const SOURCE_HELP = `  --file FILE           what GET /v1/findings answered, in place of the gateway`

/** Findings of a file or a gateway, with what the chain can check of them. */
export async function findingsOf(
  values: Values,
  terminal: Terminal,
  network: Network,
  deployment: Deployment,
): Promise<readonly JudgedFinding[]> {
  const file = setting(values, terminal.env, 'file')
  const findings =
    file === undefined
      ? await readFindings(network.gateway(), fetch)
      : parseFile(file, (await readSettingFile(file, 'file')).toString('utf8'), terminal)
  return judgeFindings(findings, {
    chainId: BigInt(deployment.chainId),
    verifyingContract: deployment.inferenceServing,
  })
}

/** What stands in a file is no gateway's fault. Throws `RECORD_INVALID`. */
function parseFile(path: string, text: string, terminal: Terminal): readonly Finding[] {
  try {
    const { findings, next } = parseFindings(text)
    if (next !== null) terminal.tell(`--file ${path}: one page; the gateway has more after ${next}`)
    return findings
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    throw new SdkError('RECORD_INVALID', `--file ${path}: ${error.message}`, { cause: error })
  }
}

const FLAGS = { ...JSON_FLAG, ...NETWORK_FLAGS, ...WALLET_FLAGS, ...SOURCE_FLAGS } as const

/** The one finding that a command is about, and what it needs to bring it to the chain. */
export interface FindingOrder {
  readonly values: Values
  readonly json: boolean | undefined
  /** The digest that names the authorisation. */
  readonly wanted: string
  readonly deployment: Deployment
  readonly finding: JudgedFinding
  readonly wallet: () => ReturnType<typeof readWallet>
}

/** Reads it from the arguments. Throws a UsageError, and `NOT_VERIFIED` where there is no such finding. */
export async function readFindingOrder(
  args: readonly string[],
  terminal: Terminal,
): Promise<FindingOrder> {
  const { values, positionals } = readArguments(args, FLAGS)
  const wanted = parseAuthorisation(positionals)
  const network = await readNetwork(values, terminal)
  const deployment = await network.deployment()
  const finding = findingAbout(wanted, await findingsOf(values, terminal, network, deployment))
  const wallet: FindingOrder['wallet'] = () =>
    readWallet(values, terminal, network.rpcUrl(), deployment)
  return { values, json: values.json, wanted, deployment, finding, wallet }
}

/** The digest that names an authorisation, the one operand. Throws a UsageError. */
function parseAuthorisation(positionals: readonly string[]): string {
  const wanted = oneOperand(positionals, 'authorisation')
  if (/^0x[0-9a-f]{64}$/.test(wanted)) return wanted
  throw new UsageError('AUTHORISATION: expected 0x and 64 lowercase hex digits')
}

/** The newest finding about an authorisation. Throws `NOT_VERIFIED`. */
function findingAbout(wanted: string, findings: readonly JudgedFinding[]): JudgedFinding {
  const finding = findings.find(({ authHash }) => authHash === wanted)
  if (finding === undefined) throw new SdkError('NOT_VERIFIED', `${wanted}: no such finding`)
  return finding
}

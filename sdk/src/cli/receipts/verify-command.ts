import { describeChecks, type Check } from '@jeju/verifier'
import { readAnchoredEpochs } from '../../chain/receipt-roots.ts'
import { etherOf } from '../../chain/viem-amount.ts'
import { watchChain } from '../../chain/viem-client.ts'
import { SdkError } from '../../errors/sdk-error.ts'
import { ReceiptBook } from '../../receipts/receipt-book.ts'
import { verifyReceiptRecord, type RecordTrust } from '../../receipts/verify-record.ts'
import { gpuTrustFor } from '../../session/gpu-trust.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import {
  COMMON_HELP,
  HOME_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  noOperand,
  readArguments,
  WALLET_FLAGS,
} from '../flags.ts'
import { listing, printResult } from '../output.ts'
import { CONFIRMATIONS_HELP, readConfirmations } from '../settings/confirmations.ts'
import { readNetwork } from '../settings/network.ts'
import { openHome } from '../settings/wallet.ts'
import type { Terminal } from '../terminal.ts'

const HELP = `jeju receipts verify [flags]

Verifies every kept receipt again: the receipt against what was signed, priced and received, and the key that signed it
against the evidence of its node, judged as of then under the policy of now. Nobody is asked, but NVIDIA's services of
reference values and of certificates where the policy takes GPUs, and the chain with --inclusion. Prompts and answers are
not kept; of them their salted hashes are compared.

  --full                every check of every receipt, not only those that failed
  --inclusion           refuse a receipt without a kept proof that it stands in its node's log (jeju receipts prove), held
                        against what the chain says of that log
${CONFIRMATIONS_HELP}

${NETWORK_HELP}
${HOME_HELP}
${COMMON_HELP}

Example:
  jeju receipts verify --network ./base

${EXIT_HELP}`

/** `jeju receipts verify`. */
export const verifyReceiptsCommand: Command = {
  summary: 'every kept receipt again, offline',
  help: HELP,
  run: runVerify,
}

const { home } = WALLET_FLAGS
const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  home,
  full: { type: 'boolean', default: false },
  inclusion: { type: 'boolean', default: false },
  confirmations: { type: 'string' },
} as const

interface Judged {
  readonly name: string
  readonly outcome: 'verified' | 'refused' | 'malformed'
  readonly fee: bigint | null
  readonly checks: readonly Check[]
  readonly message: string | null
}

async function runVerify(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const network = await readNetwork(values, terminal)
  const policy = await network.policy()
  const gpu = await gpuTrustFor(policy, undefined)
  const deployment = await network.deployment()
  const { chainId } = deployment
  const required = (): Pick<RecordTrust, 'inclusion' | 'anchored'> => {
    const wallet = watchChain({ rpcUrl: network.rpcUrl(), chainId })
    const confirmations = readConfirmations(values, terminal.env)
    return {
      inclusion: 'required',
      anchored: readAnchoredEpochs(wallet, deployment, confirmations),
    }
  }
  const trust: RecordTrust = {
    ...(values.inclusion ? required() : {}),
    deployment,
    trustAnchor: await network.trustAnchor(),
    policy,
    ...(gpu === undefined ? {} : { gpu }),
  }
  const book = new ReceiptBook(await openHome(values, terminal))
  const names = await book.names()
  const counts = { verified: 0, refused: 0, malformed: 0 }
  for (const [index, name] of names.entries()) {
    terminal.tell(`${index + 1} of ${names.length} …`)
    const judged = await judge(book, name, trust)
    counts[judged.outcome]++
    await printResult(terminal, values.json, judged, textOf(judged, values.full))
  }
  terminal.tell(
    `${counts.verified} verified, ${counts.refused} refused, ${counts.malformed} unreadable`,
  )
  if (counts.malformed > 0) return EXIT.malformed
  return counts.refused > 0 ? EXIT.refused : EXIT.ok
}

async function judge(book: ReceiptBook, name: string, trust: RecordTrust): Promise<Judged> {
  try {
    const record = await book.read(name)
    if (record === undefined) throw new SdkError('RECORD_INVALID', `${name}: gone`)
    const evidence = await book.evidence(record.evidence)
    const inclusion = await book.inclusion(name)
    const { outcome, checks, fee } = await verifyReceiptRecord(record, evidence, trust, inclusion)
    return { name, outcome, fee, checks, message: null }
  } catch (error) {
    if (!(error instanceof SdkError) || error.code !== 'RECORD_INVALID') throw error
    return { name, outcome: 'malformed', fee: null, checks: [], message: error.message }
  }
}

function textOf({ name, outcome, fee, checks, message }: Judged, isFull: boolean): string {
  const told = isFull ? checks : checks.filter(({ status }) => status !== 'passed')
  const cost = fee === null ? '' : `  ${etherOf(fee)} ether`
  const lines = message === null ? describeChecks(told) : [message]
  return listing(`${name}: ${outcome}${cost}`, lines)
}

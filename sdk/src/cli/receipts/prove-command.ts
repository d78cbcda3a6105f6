import { ARWEAVE_GATEWAYS } from '@jeju/verifier/archive'
import { watchChain } from '../../chain/viem-client.ts'
import { SdkError } from '../../errors/sdk-error.ts'
import { findInclusion, type InclusionSources } from '../../receipts/find-inclusion.ts'
import { ReceiptBook } from '../../receipts/receipt-book.ts'
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
import { printResult } from '../output.ts'
import { CONFIRMATIONS_HELP, readConfirmations } from '../settings/confirmations.ts'
import { readNetwork } from '../settings/network.ts'
import { setting } from '../settings/read-setting.ts'
import { openHome } from '../settings/wallet.ts'
import type { Terminal } from '../terminal.ts'

const HELP = `jeju receipts prove [flags]

Finds every kept receipt in the log of its node, and keeps the proof: from then on jeju receipts verify shows offline that
the receipt stood there in time, whatever becomes of the node. The log is read from its archive, and from the node where
there is none; what either says is held against the root on chain.

  --arweave URLS        gateways of the archive, with commas; ${ARWEAVE_GATEWAYS.join(',')} without it
${CONFIRMATIONS_HELP}

${NETWORK_HELP}
${HOME_HELP}
${COMMON_HELP}

Example:
  jeju receipts prove --network ./base

${EXIT_HELP}`

/** `jeju receipts prove`. */
export const proveReceiptsCommand: Command = {
  summary: 'proofs that kept receipts stand in the logs of their nodes',
  help: HELP,
  run: runProve,
}

const { home } = WALLET_FLAGS
const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  home,
  arweave: { type: 'string' },
  confirmations: { type: 'string' },
} as const

interface Told {
  readonly name: string
  readonly outcome: 'proven' | 'kept' | 'open' | 'malformed'
  readonly epoch: number | null
  readonly anchoredAt: string | null
  readonly message: string | null
}

async function runProve(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const network = await readNetwork(values, terminal)
  const deployment = await network.deployment()
  const { chainId } = deployment
  const sources: InclusionSources = {
    wallet: watchChain({ rpcUrl: network.rpcUrl(), chainId }),
    deployment,
    confirmations: readConfirmations(values, terminal.env),
    fetch,
    gateways: setting(values, terminal.env, 'arweave')?.split(',') ?? ARWEAVE_GATEWAYS,
  }
  const book = new ReceiptBook(await openHome(values, terminal))
  const counts = { proven: 0, kept: 0, open: 0, malformed: 0 }
  for (const name of await book.names()) {
    const told = await prove(book, name, sources)
    counts[told.outcome]++
    if (told.outcome !== 'kept') await printResult(terminal, values.json, told, textOf(told))
  }
  const { proven, kept, open, malformed } = counts
  terminal.tell(`${proven} proven, ${kept} before, ${open} not yet, ${malformed} unreadable`)
  return malformed > 0 ? EXIT.malformed : EXIT.ok
}

async function prove(book: ReceiptBook, name: string, sources: InclusionSources): Promise<Told> {
  const nothing = { name, epoch: null, anchoredAt: null, message: null }
  try {
    if ((await book.inclusion(name)) !== undefined) return { ...nothing, outcome: 'kept' }
    const record = await book.read(name)
    if (record === undefined) throw new SdkError('RECORD_INVALID', `${name}: gone`)
    const found = await findInclusion(record, sources)
    if (found.outcome === 'open') return { ...nothing, outcome: 'open', message: found.because }
    await book.keepInclusion(name, found.inclusion)
    const { epoch, anchoredAt } = found.inclusion.anchored
    const time = new Date(anchoredAt * 1000).toISOString()
    return { ...nothing, outcome: 'proven', epoch, anchoredAt: time }
  } catch (error) {
    if (isOfAll(error)) throw error
    const isRecord = error instanceof SdkError && error.code === 'RECORD_INVALID'
    const message = error instanceof Error ? error.message : 'failed'
    return { ...nothing, outcome: isRecord ? 'malformed' : 'open', message }
  }
}

/** Without a chain no receipt can be proven; whatever else goes wrong with one, a revert too, says nothing of the others. */
function isOfAll(error: unknown): boolean {
  if (!(error instanceof SdkError) || error.code === 'CHAIN_REVERT') return false
  return error.code.startsWith('CHAIN_') || error.code.startsWith('CONFIG_')
}

function textOf({ name, outcome, epoch, anchoredAt, message }: Told): string {
  return outcome === 'proven'
    ? `${name}: in epoch ${epoch}, anchored ${anchoredAt}`
    : `${name}: ${outcome === 'open' ? 'not proven yet' : outcome}: ${message}`
}

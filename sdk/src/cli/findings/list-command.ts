import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  noOperand,
  readArguments,
} from '../flags.ts'
import { listing, printResult } from '../output.ts'
import { readNetwork } from '../settings/network.ts'
import type { Terminal } from '../terminal.ts'
import { findingsOf, SOURCE_FLAGS, SOURCE_HELP } from './source.ts'

const HELP = `jeju findings [list] [flags]

Wrong answers that a gateway kept, newest first, each with what a contract can check of it. Two receipts for one
authorisation are evidence that executes by itself: jeju findings submit. Any other is left to jeju findings feedback.

${SOURCE_HELP}

${NETWORK_HELP}
${COMMON_HELP}

Examples:
  jeju findings --network ./base --gateway https://gateway.example
  jeju findings --network ./base --file findings.json --json

${EXIT_HELP}`

/** `jeju findings list`, and `jeju findings`. */
export const listFindingsCommand: Command = {
  summary: 'wrong answers that a gateway kept, and what the chain can check of them',
  help: HELP,
  run: runList,
}

const FLAGS = { ...JSON_FLAG, ...NETWORK_FLAGS, ...SOURCE_FLAGS } as const

async function runList(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const network = await readNetwork(values, terminal)
  const findings = await findingsOf(values, terminal, network, await network.deployment())
  for (const { at, agentId, bindingId, authHash, checks, proof } of findings) {
    const isProvable = 'conflict' in proof
    const because = isProvable ? null : proof.none
    const told = { at, agentId, bindingId, authHash, checks, provable: isProvable, because }
    const use = isProvable
      ? 'two receipts for it (E1): jeju findings submit'
      : `not for the chain: ${because}`
    const text = listing(`${at} agent ${agentId} ${checks.join(', ')}`, [authHash, use])
    await printResult(terminal, values.json, told, text)
  }
  terminal.tell(`${findings.length} findings`)
  return EXIT.ok
}

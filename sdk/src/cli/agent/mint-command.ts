import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { noOperand, readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { OWNER_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent mint [flags]

Mints an ERC-8004 agent that the wallet owns. What follows: jeju stake add, jeju agent register, publish and service;
then the node starts, and jeju agent approve makes it known. Whoever owns the agent is paid and bonds for it; keep
this key off the node.

${OWNER_HELP}

Example:
  jeju agent mint --network ./base --key-file owner.txt

${EXIT_HELP}`

/** `jeju agent mint`. */
export const mintCommand: Command = {
  summary: 'an agent (ERC-8004) for a new provider',
  help: HELP,
  run: runMint,
}

async function runMint(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OWNER_FLAGS)
  noOperand(positionals)
  const { provider } = await readOwnerSetting(values, terminal)
  terminal.tell('sending the mint …')
  const agentId = await provider.mintAgent()
  await printResult(terminal, values.json, { agentId }, `agent ${agentId}`)
  return EXIT.ok
}

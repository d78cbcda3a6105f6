import { etherOf } from '../../chain/viem-amount.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { noOperand, readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { OWNER_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent claim [flags]

Pays out to the wallet what its agents have earned: everything that was settled, of all of them, and not paid out yet.

${OWNER_HELP}

Example:
  jeju agent claim --network ./base --key-file owner.txt

${EXIT_HELP}`

/** `jeju agent claim`. */
export const claimCommand: Command = {
  summary: 'pay out what the wallet’s agents have earned',
  help: HELP,
  run: runClaim,
}

async function runClaim(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OWNER_FLAGS)
  noOperand(positionals)
  const { provider } = await readOwnerSetting(values, terminal)
  const isDue = (await provider.claimableOf()) > 0n
  if (isDue) terminal.tell('sending the claim …')
  const claimed = isDue ? await provider.claim() : 0n
  await printResult(terminal, values.json, { claimed }, `${etherOf(claimed)} ether paid out`)
  return EXIT.ok
}

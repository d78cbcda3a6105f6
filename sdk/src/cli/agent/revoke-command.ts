import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { oneOperand, readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import { parseDigest } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { OWNER_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent revoke [flags] BINDING

Ends a binding for good: gateways and clients send its node nothing more. What it has earned stays payable.

  BINDING               0x and 64 digits, as jeju agent approve and /health of the node show it

${OWNER_HELP}

Example:
  jeju agent revoke --network ./base --key-file owner.txt 0x12…

${EXIT_HELP}`

/** `jeju agent revoke`. */
export const revokeCommand: Command = {
  summary: 'end a binding for good',
  help: HELP,
  run: runRevoke,
}

async function runRevoke(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, OWNER_FLAGS)
  const bindingId = parseDigest(oneOperand(positionals, 'BINDING'), 'BINDING')
  const { provider } = await readOwnerSetting(values, terminal)
  terminal.tell('sending the revocation …')
  const hash = await provider.revokeBinding(bindingId)
  await printResult(terminal, values.json, { bindingId, hash }, `${bindingId} is revoked`)
  return EXIT.ok
}

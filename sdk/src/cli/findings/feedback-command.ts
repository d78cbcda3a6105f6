import { etherOf } from '../../chain/viem-amount.ts'
import { giveFeedback } from '../../findings/give-feedback.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { COMMON_HELP, NETWORK_HELP, WALLET_HELP } from '../flags.ts'
import { printResult } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { readFindingOrder, SOURCE_HELP } from './source.ts'

const HELP = `jeju findings feedback AUTHORISATION [flags]

Writes a finding to the reputation registry (ERC-8004): the failed check, the finding itself, and as negative value what
this wallet has paid the agent for settled answers. A wallet that has paid nothing says nothing.

  AUTHORISATION         0x and 64 digits, as jeju findings shows it

${SOURCE_HELP}

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Example:
  jeju findings feedback 0x12… --network ./base --gateway https://gateway.example --key-file key.txt

${EXIT_HELP}`

/** `jeju findings feedback`. */
export const feedbackCommand: Command = {
  summary: 'a finding, to the reputation registry',
  help: HELP,
  run: runFeedback,
}

async function runFeedback(args: readonly string[], terminal: Terminal): Promise<number> {
  const { json, wanted, deployment, finding, wallet } = await readFindingOrder(args, terminal)
  const { weight, hash } = await giveFeedback(finding, { wallet: await wallet(), deployment })
  const { agentId } = finding
  const text = `feedback on agent ${agentId} in ${hash}, with the weight of ${etherOf(weight)} ether`
  await printResult(terminal, json, { authHash: wanted, agentId, weight, hash }, text)
  return EXIT.ok
}

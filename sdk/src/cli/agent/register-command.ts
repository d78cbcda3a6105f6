import { publicEndpoint } from '../../provider/public-endpoint.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { oneOperand, readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import { parseAgent } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { AGENT_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent register --agent ID [flags] URL

Lists an agent as provider at the address that everybody reaches its node at, PUBLIC_URL of the node. The agent's bond
has to be there (jeju stake add).

  --agent ID            the agent (ERC-8004)

${OWNER_HELP}

Example:
  jeju agent register --network ./base --key-file owner.txt --agent 7 https://node.example:8443

${EXIT_HELP}`

/** `jeju agent register`. */
export const registerCommand: Command = {
  summary: 'list an agent as provider, at its address',
  help: HELP,
  run: runRegister,
}

async function runRegister(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, AGENT_FLAGS)
  const text = oneOperand(positionals, 'URL')
  const agentId = parseAgent(values.agent)
  const { provider, deployment } = await readOwnerSetting(values, terminal)
  const endpoint = publicEndpoint(text, deployment.chainId)
  terminal.tell('sending the registration …')
  const hash = await provider.register(agentId, endpoint)
  const result = { agentId, endpoint, hash }
  await printResult(terminal, values.json, result, `agent ${agentId} is listed at ${endpoint}`)
  return EXIT.ok
}

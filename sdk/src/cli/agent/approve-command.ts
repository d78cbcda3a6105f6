import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import { parseAgent } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { AGENT_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent approve --agent ID [flags] [URL]

Asks the node at the agent's registered address for evidence over a fresh nonce, judges it by the policy, and consents
on chain to exactly these keys, this model and this posture, for this agent and wallet. What is not verified there is
not approved. The node then registers itself, for which its signer needs ether for gas.

  --agent ID            the agent
  URL                   one node of several behind that address; the address has to show a verified one, too

${OWNER_HELP}

Example:
  jeju agent approve --network ./base --key-file owner.txt --agent 7

${EXIT_HELP}`

/** `jeju agent approve`. */
export const approveCommand: Command = {
  summary: 'consent to a node, once its evidence holds',
  help: HELP,
  run: runApprove,
}

async function runApprove(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, AGENT_FLAGS)
  const [nodeUrl, ...others] = positionals
  if (others.length > 0) throw new UsageError('expected one URL at most')
  const agentId = parseAgent(values.agent)
  const { network, provider } = await readOwnerSetting(values, terminal)
  terminal.tell('asking the node for evidence …')
  const trust = {
    trustAnchor: await network.trustAnchor(),
    policy: await network.policy(),
    collateral: network.collateral(),
  }
  const { claims, tier, hash } = await provider.approveBinding(agentId, trust, nodeUrl)
  const { bindingId, composeHash, statement } = claims
  const { signer } = statement
  const result = { agentId, bindingId, tier, composeHash, signer, hash }
  const text = `binding ${bindingId} of agent ${agentId} is approved
  tier     ${tier}
  compose  ${composeHash}
  signer   ${signer}, which needs ether for gas`
  await printResult(terminal, values.json, result, text)
  return EXIT.ok
}

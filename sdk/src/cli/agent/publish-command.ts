import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { noOperand, readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import { parseAgent, requireFlag } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { AGENT_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent publish --agent ID --name NAME [flags]

Makes a registered provider known through ERC-8004: writes its registration file on chain, with the address that the
registry has, and names the registry in its metadata. Repeat it when the address changes.

  --agent ID            the agent
  --name NAME           what people read
  --description TEXT    what it offers
  --image URL           its picture

${OWNER_HELP}

Example:
  jeju agent publish --network ./base --key-file owner.txt --agent 7 --name "My node"

${EXIT_HELP}`

/** `jeju agent publish`. */
export const publishCommand: Command = {
  summary: 'the registration file of a provider (ERC-8004)',
  help: HELP,
  run: runPublish,
}

const FLAGS = {
  ...AGENT_FLAGS,
  name: { type: 'string' },
  description: { type: 'string', default: '' },
  image: { type: 'string' },
} as const

async function runPublish(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const agentId = parseAgent(values.agent)
  const { description, image } = values
  const name = requireFlag(values.name, 'name')
  const { provider } = await readOwnerSetting(values, terminal)
  terminal.tell('sending the registration file …')
  await provider.publish(agentId, {
    name,
    description,
    ...(image === undefined ? {} : { image }),
  })
  const file = await provider.registrationOf(agentId)
  const services = file.services.map((service) => `${service.name} ${service.endpoint}`)
  const text = [`agent ${agentId} is ${file.name}`, ...services].join('\n  ')
  await printResult(terminal, values.json, { agentId, ...file }, text)
  return EXIT.ok
}

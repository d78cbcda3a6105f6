import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { noOperand, readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import { parseAgent, parseDigest, requireFlag } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { describePrice, PRICE_FLAGS, PRICE_HELP, readPrice } from './price.ts'
import { AGENT_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent service --agent ID --model NAME --model-id DIGEST --in ETH --out ETH --max-output TOKENS [flags]

Offers a model at a price. Name and digest of the release's model stand in the checklist of provider:init; a node
serves no other than its service says.

  --agent ID            the agent
  --model NAME          what clients ask for
  --model-id DIGEST     0x and 64 digits: digest of the model's descriptor
${PRICE_HELP}

${OWNER_HELP}

Example:
  jeju agent service --network ./base --key-file owner.txt --agent 7 --model enclave-mini \\
    --model-id 0x12… --in 0.0002 --out 0.0006 --max-output 4096

${EXIT_HELP}`

/** `jeju agent service`. */
export const serviceCommand: Command = {
  summary: 'offer a model at a price',
  help: HELP,
  run: runService,
}

const FLAGS = {
  ...AGENT_FLAGS,
  ...PRICE_FLAGS,
  model: { type: 'string' },
  'model-id': { type: 'string' },
} as const

async function runService(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const agentId = parseAgent(values.agent)
  const model = requireFlag(values.model, 'model')
  const modelId = parseDigest(requireFlag(values['model-id'], 'model-id'), '--model-id')
  const price = readPrice(values)
  const { provider } = await readOwnerSetting(values, terminal)
  terminal.tell('sending the service …')
  const serviceId = await provider.addService(agentId, modelId, model, price)
  const result = { agentId, serviceId, model, modelId, ...price }
  const text = `agent ${agentId}, service ${serviceId}: ${model} at ${describePrice(price)}`
  await printResult(terminal, values.json, result, text)
  return EXIT.ok
}

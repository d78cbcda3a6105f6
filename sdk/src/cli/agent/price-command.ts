import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { noOperand, readArguments } from '../flags.ts'
import { printResult } from '../output.ts'
import { parseAgent, parseUint32, requireFlag } from '../settings/operand.ts'
import type { Terminal } from '../terminal.ts'
import { describePrice, PRICE_FLAGS, PRICE_HELP, readPrice } from './price.ts'
import { AGENT_FLAGS, OWNER_HELP, readOwnerSetting } from './setting.ts'

const HELP = `jeju agent price --agent ID --service N --in ETH --out ETH --max-output TOKENS [flags]

Announces the next price of a service. It takes effect after the notice that the registry wants, an hour at least, for
channels that are opened from then on; open ones keep theirs.

  --agent ID            the agent
  --service N           its service of this number
${PRICE_HELP}

${OWNER_HELP}

Example:
  jeju agent price --network ./base --key-file owner.txt --agent 7 --service 0 --in 0.0001 --out 0.0003 \\
    --max-output 4096

${EXIT_HELP}`

/** `jeju agent price`. */
export const priceCommand: Command = {
  summary: 'announce the next price of a service',
  help: HELP,
  run: runPrice,
}

const FLAGS = { ...AGENT_FLAGS, ...PRICE_FLAGS, service: { type: 'string' } } as const

async function runPrice(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const agentId = parseAgent(values.agent)
  const serviceId = parseUint32(requireFlag(values.service, 'service'), '--service')
  const price = readPrice(values)
  const { provider } = await readOwnerSetting(values, terminal)
  terminal.tell('sending the price …')
  const announced = await provider.setPrice(agentId, serviceId, price)
  const { version, effectiveFrom } = announced
  const result = { agentId, serviceId, ...price, ...announced }
  const text = `agent ${agentId}, service ${serviceId}: ${describePrice(price)}
  price ${version}, from ${effectiveFrom.toISOString()} on`
  await printResult(terminal, values.json, result, text)
  return EXIT.ok
}

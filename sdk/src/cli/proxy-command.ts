import type { Deployment } from '@jeju/contracts'
import { createClient } from '../client/create-client.ts'
import type { VerificationOptions } from '../client/client-options.ts'
import { parseBaseUrl } from '../gateway/base-url.ts'
import { createGatewayClient } from '../gateway/gateway-client.ts'
import { serveProxy } from '../node/proxy.ts'
import type { Command } from './command.ts'
import { endingOf, EXIT, EXIT_HELP } from './exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  noOperand,
  readArguments,
  WALLET_FLAGS,
  WALLET_HELP,
} from './flags.ts'
import { printResult } from './output.ts'
import { progressOf } from './progress.ts'
import { CHANNELS_FLAG, readChannels } from './settings/channels.ts'
import { readNetwork } from './settings/network.ts'
import { parseAgent, parseAmount, parseInteger } from './settings/operand.ts'
import { readOnly } from './settings/read-only.ts'
import { openHome, readWallet } from './settings/wallet.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const DEFAULT_PORT = '8788'
const DEFAULTS = { 'channel-amount': '0.001', 'max-fee': '0.0001', budget: '0.01' } as const

const HELP = `jeju proxy [flags]

Serves OpenAI and Anthropic clients on this machine, without API keys: each provider is verified before a prompt
leaves, each prompt signed and sealed, each answer verified before its end is given out. Whoever reaches the port
spends the wallet's money; it listens on 127.0.0.1. Ends by Ctrl-C.

  --port N              ${DEFAULT_PORT} without it; 0 takes a free one
  --channel-amount ETH  locked for a provider at once; ${DEFAULTS['channel-amount']} without it
  --max-fee ETH         what one request may cost; ${DEFAULTS['max-fee']} without it
  --budget ETH          what this process may lock in all; ${DEFAULTS.budget} without it
  --channels KIND       channels that it opens and uses: of receipts, or of vouchers, where one growing sum pays a node,
                        which costs its provider the less to settle the more is answered; use --close with them, and
                        one proxy at a time. receipts without it, or JEJU_CHANNELS
  --agent ID            only this provider; may stand several times
  --sealing required    refuse providers whose keys no prompt can be sealed to
  --hold                give out nothing of a stream before all of it is verified
  --close               at the end, close the channels that the home folder knows

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Examples:
  jeju proxy --network ./base --key-file key.txt
  jeju proxy --network ./base --key-file key.txt --channels vouchers --close
  OPENAI_BASE_URL=http://127.0.0.1:${DEFAULT_PORT}/v1 OPENAI_API_KEY=none python app.py
  ANTHROPIC_BASE_URL=http://127.0.0.1:${DEFAULT_PORT} ANTHROPIC_API_KEY=none python app.py

${EXIT_HELP}`

/** `jeju proxy`. */
export const proxyCommand: Command = {
  summary: 'a local OpenAI endpoint that verifies, signs and seals',
  help: HELP,
  run: runProxy,
}

const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  ...WALLET_FLAGS,
  ...CHANNELS_FLAG,
  port: { type: 'string', default: DEFAULT_PORT },
  'channel-amount': { type: 'string', default: DEFAULTS['channel-amount'] },
  'max-fee': { type: 'string', default: DEFAULTS['max-fee'] },
  budget: { type: 'string', default: DEFAULTS.budget },
  agent: { type: 'string', multiple: true },
  sealing: { type: 'string', default: 'if-offered' },
  hold: { type: 'boolean', default: false },
  close: { type: 'boolean', default: false },
} as const

async function runProxy(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  noOperand(positionals)
  const { agent: agents, ...rest } = values
  // Before a keystore is opened, which takes its time.
  const port = parseInteger(values.port, '--port', 65_535)
  const channels = readChannels(rest, terminal.env)
  const asked = {
    channelAmount: parseAmount(values['channel-amount'], '--channel-amount'),
    maxFeePerRequest: parseAmount(values['max-fee'], '--max-fee'),
    budget: parseAmount(values.budget, '--budget'),
    channels,
    sealing: parseSealing(values.sealing),
    holdStream: values.hold,
    ...(agents === undefined ? {} : { agents: agents.map(parseAgent) }),
  }
  const network = await readNetwork(rest, terminal)
  const deployment = await network.deployment()
  const client = createClient({
    wallet: await readWallet(rest, terminal, network.rpcUrl(), deployment),
    deployment,
    gateway: network.gateway(),
    trustAnchor: await network.trustAnchor(),
    policy: await network.policy(),
    collateral: network.collateral(),
    store: await openHome(rest, terminal),
    ...asked,
    onEvent: (event) => {
      const line = progressOf(event)
      if (line !== undefined) terminal.tell(line)
    },
  })
  const end = terminal.interrupted()
  const proxy = await serveProxy({ fetch: client.fetch, port }).catch((error: unknown) => {
    throw portError(error, port)
  })
  const url = `${proxy.url}/v1`
  await printResult(terminal, values.json, { url }, url)
  // Said at once, and not with the first prompt; either may be back by then.
  void tellWhoIsAway(network.gateway(), network.rpcUrl(), deployment, terminal)
  await end
  terminal.tell('stopping …')
  await proxy.close()
  if (values.close) {
    terminal.tell('closing channels: providers may take some minutes to release them …')
    await client.close()
  } else if (channels === 'vouchers') {
    terminal.tell('jeju channel close shows providers the last vouchers, for what was charged')
  }
  return EXIT.ok
}

/** A port that is somebody else's is the command line's fault, and not this program's. */
function portError(error: unknown, port: number): unknown {
  const isListening = error instanceof Error && 'syscall' in error && error.syscall === 'listen'
  if (!isListening || !('code' in error)) return error
  return new UsageError(`--port ${port}: ${String(error.code)}`, { cause: error })
}

async function tellWhoIsAway(
  gateway: string,
  rpcUrl: string,
  deployment: Deployment,
  terminal: Terminal,
): Promise<void> {
  const told = (error: unknown): void => {
    const { code, message } = endingOf(error)
    terminal.tell(`${code}: ${message}; prompts are refused while this lasts`)
  }
  await Promise.all([
    createGatewayClient(parseBaseUrl(gateway), fetch).hints().catch(told),
    readOnly(rpcUrl, deployment).head().catch(told),
  ])
}

function parseSealing(text: string): NonNullable<VerificationOptions['sealing']> {
  if (text === 'required' || text === 'if-offered') return text
  throw new UsageError(`--sealing: expected required or if-offered, got ${JSON.stringify(text)}`)
}

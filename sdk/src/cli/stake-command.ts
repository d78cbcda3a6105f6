import { identityRegistryAbi, lowercase, type Deployment } from '@jeju/contracts'
import { etherOf } from '../chain/viem-amount.ts'
import { createChainClient, type ChainClient } from '../chain/viem-client.ts'
import { SdkError } from '../errors/sdk-error.ts'
import {
  createStaking,
  type Bond,
  type Staking,
  type StakingRole,
} from '../staking/create-staking.ts'
import type { Command } from './command.ts'
import { EXIT, EXIT_HELP } from './exit-code.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  readArguments,
  WALLET_FLAGS,
  WALLET_HELP,
} from './flags.ts'
import { printResult } from './output.ts'
import { readNetwork } from './settings/network.ts'
import { parseAgent, parseAmount } from './settings/operand.ts'
import { readWallet } from './settings/wallet.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const HELP = `jeju stake [flags] [show | add ETH | unbond ETH | cancel | withdraw]

The wallet's bond. A provider's makes its agent active, a user's lets him open cases, a guardian's lets him judge them.
Unbonding takes 14 days, a guardian's 21, and everything can be slashed until its end.

  show                  the bond; without a word, too
  add ETH               bond, or add to the bond; with what is there it has to reach the role's minimum. Only the owner
                        of an agent bonds for it
  unbond ETH            begin to take a part or all out
  cancel                bond again what is unbonding
  withdraw              pay out what has unbonded

  --role ROLE           provider, user or guardian; provider without it
  --agent ID            a provider's agent (ERC-8004)

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Examples:
  jeju stake --network ./base --key-file key.txt --agent 7 add 0.1
  jeju stake --network ./base --key-file key.txt --role user

${EXIT_HELP}`

/** `jeju stake`. */
export const stakeCommand: Command = {
  summary: 'the bond of a provider, user or guardian',
  help: HELP,
  run: runStake,
}

const FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  ...WALLET_FLAGS,
  role: { type: 'string', default: 'provider' },
  agent: { type: 'string' },
} as const

const ROLES: Readonly<Record<string, StakingRole>> = {
  provider: 'PROVIDER',
  user: 'USER',
  guardian: 'GUARDIAN',
}

async function runStake(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS)
  const change = readChange(positionals)
  const role = Object.hasOwn(ROLES, values.role) ? ROLES[values.role] : undefined
  if (role === undefined) throw new UsageError('--role: expected provider, user or guardian')
  if (role !== 'PROVIDER' && values.agent !== undefined) {
    throw new UsageError('--agent: a provider alone bonds for an agent')
  }
  const agentId = role === 'PROVIDER' ? parseAgent(values.agent) : 0n
  const network = await readNetwork(values, terminal)
  const deployment = await network.deployment()
  const wallet = await readWallet(values, terminal, network.rpcUrl(), deployment)
  if (role === 'PROVIDER' && positionals[0] === 'add') {
    await requireOwner(agentId, createChainClient(wallet, deployment), deployment)
  }
  const staking = createStaking({ wallet, deployment })
  const transaction = await change(staking, role, agentId, terminal)
  const bond = await staking.bondOf(role, agentId)
  const minimum = await staking.minimumOf(role)
  const result = { role: values.role, agentId, transaction, ...bond, minimumNow: minimum }
  await printResult(terminal, values.json, result, describe(bond, minimum))
  return EXIT.ok
}

/** The bond of anybody else than its owner makes no agent active, and is bound for weeks. Throws `CONFIG_WALLET`. */
async function requireOwner(
  agentId: bigint,
  client: ChainClient,
  { identityRegistry: address }: Deployment,
): Promise<void> {
  const call = { address, abi: identityRegistryAbi, functionName: 'ownerOf' } as const
  const owner = lowercase(await client.read({ ...call, args: [agentId] }))
  if (owner === client.account) return
  const text = `agent ${agentId}: expected the wallet of its owner ${owner}, got ${client.account}`
  throw new SdkError('CONFIG_WALLET', text)
}

/** Changes a bond, or only looks at it: then there is no transaction. */
type Change = (
  staking: Staking,
  role: StakingRole,
  agentId: bigint,
  terminal: Terminal,
) => Promise<string | null>

function readChange([word = 'show', ...operands]: readonly string[]): Change {
  const takesAmount = word === 'add' || word === 'unbond'
  const [text, ...others] = operands
  if (others.length > 0 || (text !== undefined) !== takesAmount) {
    throw new UsageError(`${word}: expected ${takesAmount ? 'one amount' : 'no operand'}`)
  }
  const amount = text === undefined ? 0n : parseAmount(text, 'amount')
  switch (word) {
    case 'show':
      return async () => null
    case 'add':
      return async (staking, role, agentId, terminal) => {
        terminal.tell('sending the stake …')
        return staking.stake(role, amount, agentId)
      }
    case 'unbond':
      return ofBond((staking, bondId) => staking.requestUnstake(bondId, amount))
    case 'cancel':
      return ofBond((staking, bondId) => staking.cancelUnstake(bondId))
    case 'withdraw':
      return ofBond((staking, bondId) => staking.completeUnstake(bondId))
    default:
      throw new UsageError(`expected show, add, unbond, cancel or withdraw, got ${word}`)
  }
}

function ofBond(call: (staking: Staking, bondId: Bond['bondId']) => Promise<string>): Change {
  return async (staking, role, agentId, terminal) => {
    const { bondId } = await staking.bondOf(role, agentId)
    terminal.tell(`sending the change of bond ${bondId} …`)
    return call(staking, bondId)
  }
}

function describe({ bondId, bonded, unbonding, unlockAt, frozen }: Bond, minimum: bigint): string {
  const until =
    unlockAt === 0n ? '' : `, leaves from ${new Date(Number(unlockAt) * 1000).toISOString()}`
  return `bond ${bondId}
  bonded     ${etherOf(bonded)} ether (minimum ${etherOf(minimum)})
  unbonding  ${etherOf(unbonding)} ether${until}
  frozen     ${etherOf(frozen)} ether`
}

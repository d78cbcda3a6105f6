import { etherOf } from '../../chain/viem-amount.ts'
import { SdkError } from '../../errors/sdk-error.ts'
import { reportConflict, type ReportStep } from '../../findings/report-conflict.ts'
import type { Command } from '../command.ts'
import { EXIT, EXIT_HELP } from '../exit-code.ts'
import { COMMON_HELP, NETWORK_HELP, WALLET_HELP } from '../flags.ts'
import { printResult } from '../output.ts'
import { openHome } from '../settings/wallet.ts'
import type { Terminal } from '../terminal.ts'
import { readFindingOrder, SOURCE_HELP } from './source.ts'

const HELP = `jeju findings submit AUTHORISATION [flags]

Brings two receipts for one authorisation to the staking contract: half of the provider's bond is slashed, and the
binding ends. The first call commits to the evidence without showing it, so that nobody who sees the proof can be
quicker; the same call five minutes to a day later, with the same wallet and home, proves it. Of other findings a
contract cannot check anything, and that is said: what is left is jeju findings feedback, or a case before the
guardians.

  AUTHORISATION         0x and 64 digits, as jeju findings shows it

${SOURCE_HELP}

${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}

Example:
  jeju findings submit 0x12… --network ./base --gateway https://gateway.example --key-file key.txt

${EXIT_HELP}`

/** `jeju findings submit`. */
export const submitFindingCommand: Command = {
  summary: 'evidence of a finding, to the staking contract',
  help: HELP,
  run: runSubmit,
}

async function runSubmit(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, json, wanted, deployment, finding, wallet } = await readFindingOrder(
    args,
    terminal,
  )
  const { proof } = finding
  if ('none' in proof) {
    throw new SdkError('NOT_VERIFIED', `the chain cannot check this finding: ${proof.none}`)
  }
  const step = await reportConflict(proof.conflict, {
    wallet: await wallet(),
    deployment,
    store: await openHome(values, terminal),
  })
  await printResult(terminal, json, { authHash: wanted, ...step }, textOf(step))
  return EXIT.ok
}

function textOf(step: ReportStep): string {
  switch (step.outcome) {
    case 'committed': {
      const time = new Date(Number(step.usableFrom) * 1000).toISOString()
      return `committed in ${step.hash}: again from ${time} on, within a day, to prove it`
    }
    case 'waiting':
      return 'committed, and not of age yet: again in a few minutes'
    case 'proven':
      return `proven in ${step.hash}: ${etherOf(step.slashed)} ether slashed`
  }
}

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { readNetwork } from '../../measurements/src/compose/network.ts'
import { MeasureError } from '../../measurements/src/measure-error.ts'
import { readInputs } from '../../measurements/src/release/measure-release.ts'
import { readRelease } from '../../measurements/src/release/release-files.ts'
import { root } from '../../measurements/src/root.ts'
import { gatherAnswers, readFlags, type Ask } from './answers.ts'
import { planProvider, type ReleaseFacts } from './provider-plan.ts'

const HELP = `npm run provider:init -- [flags]: writes a folder to deploy a node from. What no flag says is asked.

  --platform     bare-metal or phala-cloud
  --name, --description   what the registration file says
  --url          public https origin of the node
  --agent, --service      ids, once they exist
  --file         app-compose.yaml (default) or app-compose.vllm.yaml
  --archive      arweave, file or off; what the network says without it
  --network      network file; the release's network without it
  --out          folder, new; ./provider without it
`

/** Asks on the terminal; without one, a missing flag is an error and not a hanging process. */
function terminalAsk(): { readonly ask: Ask; readonly close: () => void } {
  if (!process.stdin.isTTY) {
    const ask: Ask = (question, byDefault) => {
      if (byDefault !== '' || question.includes('(empty:')) return Promise.resolve(byDefault)
      return Promise.reject(new MeasureError('MEASURE_USAGE', `missing: ${question}; see --help`))
    }
    return { ask, close: () => undefined }
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  return {
    ask: async (question, byDefault) => {
      const answer = await terminal.question(
        `${question}${byDefault === '' ? '' : ` [${byDefault}]`}: `,
      )
      return answer.trim() === '' ? byDefault : answer.trim()
    },
    close: () => terminal.close(),
  }
}

async function releaseFacts(networkFile: string | undefined): Promise<ReleaseFacts> {
  const [release, inputs] = [await readRelease(), await readInputs()]
  const cpu = release.images.find(({ variant }) => variant === 'cpu')
  if (cpu === undefined) throw new MeasureError('MEASURE_INPUT', 'release.json: no CPU image')
  const { name, weightsSha256: sha256, modelId: id } = release.model
  return {
    image: cpu.reference,
    model: { name, sha256, id },
    network: await readNetwork(
      networkFile ?? join(root, `measurements/networks/${release.network}.json`),
    ),
    kmsCa: inputs.trustedKms[0]?.caPublicKeyInfo,
    composeHashes: release.composes.map(({ composeHash }) => composeHash),
  }
}

async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(args)
  if (flags.help) {
    process.stdout.write(HELP)
    return
  }
  const { ask, close } = terminalAsk()
  const answers = await gatherAnswers(flags, ask).finally(close)
  const files = await planProvider(answers, await releaseFacts(flags.network))
  await mkdir(flags.out)
  for (const { name, content } of files) {
    await writeFile(join(flags.out, name), content, { flag: 'wx' })
    process.stdout.write(`${join(flags.out, name)}\n`)
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = error instanceof MeasureError && error.code === 'MEASURE_USAGE' ? 2 : 1
})

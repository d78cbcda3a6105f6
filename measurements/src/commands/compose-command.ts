import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lintCompose } from '@jeju/verifier/compose-lint'
import type { Hex } from '@jeju/verifier/protocol'
import { composeHash, PLATFORMS } from '../compose/app-compose.ts'
import { differingMembers } from '../compose/compare-composes.ts'
import { readNetwork } from '../compose/network.ts'
import {
  COMPOSE_FILES,
  LINT_OPTIONS,
  nodeAppCompose,
  type NodeComposeFacts,
} from '../compose/node-compose.ts'
import { MeasureError } from '../measure-error.ts'
import { root } from '../root.ts'
import { measureComposes, readInputs } from '../release/measure-release.ts'
import { readRelease } from '../release/release-files.ts'
import type { Release } from '../release/schema.ts'
import { oneOf, print, readFlags, type Command } from './command.ts'

const OPTIONS = {
  network: { type: 'string' },
  image: { type: 'string' },
  platform: { type: 'string', default: 'bare-metal' },
  file: { type: 'string', default: 'app-compose.yaml' },
  out: { type: 'string' },
  'model-name': { type: 'string' },
  'model-sha256': { type: 'string' },
  'chat-template-sha256': { type: 'string' },
  of: { type: 'string' },
} as const

/** Writes the app-compose files, or judges one. */
export const composeCommand: Command = {
  summary: 'write measurements/app-compose*.json and print their hashes; or judge a file',
  usage: `compose
compose --network FILE [--image REF] [--platform bare-metal|phala-cloud] [--file NAME] --out FILE
compose --of FILE [--platform …]

  Without flags: the files of the recorded images on the release's network.
  --network   {"rpcUrl","deployment"}: a file for another chain
  --image     image reference with its digest; that of the recorded release without it
  --file      app-compose.yaml (default) or app-compose.vllm.yaml
  --model-name, --model-sha256, --chat-template-sha256
              of the model that vLLM serves; app-compose.vllm.yaml needs them
  --of        hash and lint a file, such as the one a cloud will really use, and name the members in which it
              differs from ours`,
  run: async (args) => {
    const { values } = readFlags(args, OPTIONS)
    const platform = oneOf(values.platform, '--platform', PLATFORMS)
    const release = await readRelease()
    if (values.of !== undefined) {
      const ours = release.composes.find((each) => each.platform === platform)
      return judge(values.of, join(root, 'measurements', ours?.file ?? 'app-compose.json'))
    }
    if (values.network === undefined) {
      for (const { file, bytes } of await measureComposes(
        await readInputs(),
        release.images,
        release.model,
      )) {
        await writeFile(join(root, 'measurements', file), bytes)
        const recorded = release.composes.find((each) => each.file === file)?.composeHash
        const hash = composeHash(bytes)
        print(`${file}  ${hash}${hash === recorded ? '' : '  not the hash in release.json'}`)
      }
      return 0
    }
    const bytes = await nodeAppCompose({
      image: values.image ?? release.images[0]?.reference ?? '',
      network: await readNetwork(values.network),
      model: modelOf(values, release.model),
      platform,
      file: oneOf(values.file, '--file', COMPOSE_FILES),
    })
    await writeFile(values.out ?? join(root, 'app-compose.json'), bytes)
    print(composeHash(bytes))
    return 0
  },
}

/** The release's own model, unless another one is named. */
function modelOf(
  flags: Readonly<Record<string, unknown>>,
  own: Release['model'],
): NodeComposeFacts['model'] {
  const digest = (flag: string): Hex | undefined => {
    const value = flags[flag]
    if (value === undefined) return undefined
    if (typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)) return value as Hex
    throw new MeasureError(
      'MEASURE_INPUT',
      `--${flag}: expected 0x and 64 lowercase hex characters`,
    )
  }
  const name = flags['model-name']
  const template = digest('chat-template-sha256')
  return {
    name: typeof name === 'string' ? name : own.name,
    sha256: digest('model-sha256') ?? own.weightsSha256,
    ...(template === undefined ? {} : { chatTemplateSha256: template }),
  }
}

async function judge(path: string, ourPath: string): Promise<number> {
  const bytes = new Uint8Array(await readFile(path))
  print(`compose hash  ${composeHash(bytes)}`)
  for (const name of differingMembers(bytes, new Uint8Array(await readFile(ourPath)))) {
    print(`differs       ${name}`)
  }
  const findings = lintCompose(bytes, LINT_OPTIONS)
  for (const { rule, place, expected, actual } of findings) {
    print(`${rule.padEnd(12)}  ${place}: expected ${expected}, is ${actual}`)
  }
  return findings.length === 0 ? 0 : 1
}

import { modelIdOf } from '@jeju/verifier/protocol'
import { loadEmbeddedEngine } from './engine/embedded-engine.ts'
import { embeddedModel } from './engine/embedded-model.ts'

/**
 * `npm run describe-model [-- PATH SHA256 NAME]`: the catalogue entry a node states for a model file, and its id on
 * chain, which an operator needs to offer the service before the node starts.
 */
async function main([path, sha256, name]: readonly string[]): Promise<void> {
  const model =
    path === undefined
      ? embeddedModel
      : { path, sha256: digest(sha256), name: name ?? embeddedModel.name }
  const engine = await loadEmbeddedEngine(model)
  await engine.close()
  const { descriptor } = engine
  const description = { modelId: modelIdOf(descriptor), descriptor }
  process.stdout.write(`${JSON.stringify(description, null, 2)}\n`)
}

function digest(text: string | undefined): `0x${string}` {
  if (text === undefined || !/^0x[0-9a-f]{64}$/.test(text)) {
    throw new Error('SHA256: expected 0x and 64 lowercase hex characters')
  }
  return `0x${text.slice(2)}`
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = 1
})

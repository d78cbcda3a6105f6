import { embeddedModel, loadEmbeddedEngine } from '@jeju/enclave'
import { canonicalJson, documentDigest, modelIdOf } from '@jeju/verifier/protocol'
import type { Release } from './schema.ts'

/** What a node of this tree states of its model: made by the node's own engine from the same file. */
export async function measureModel(): Promise<Release['model']> {
  const engine = await loadEmbeddedEngine(embeddedModel)
  await engine.close()
  const { descriptor } = engine
  return {
    name: descriptor.id,
    weightsSha256: descriptor.weights_sha256,
    modelId: modelIdOf(descriptor),
    catalogDigest: documentDigest(canonicalJson({ models: [{ ...descriptor }], v: 1 })),
  }
}

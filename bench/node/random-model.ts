import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readGgufFileInfo } from 'node-llama-cpp'
import { toHex } from '@jeju/verifier/protocol'
import { CONTROL_TOKENS, type Vocabulary } from '../../enclave/model/make/bpe/vocabulary.ts'
import { writeLlamaModel } from '../../enclave/model/make/llama-model.ts'
import { createRandom } from '../../enclave/model/make/random.ts'
import { embeddedModel, type PinnedModel } from '../../enclave/src/engine/embedded-model.ts'

/** Of GPT-2's smallest size, a network's cost without its knowledge. */
const SHAPE = {
  dim: 768,
  layers: 12,
  heads: 12,
  kvHeads: 12,
  ffn: 2048,
  ctx: 512,
  ropeBase: 10_000,
  eps: 1e-5,
} as const
const SEED = 1
/** Largest weight; what a network of this width usually begins its training with. */
const SPREAD = 0.04

/** A model file for measurements, and how many weights it has. */
export interface RandomModel {
  readonly model: PinnedModel
  readonly parameters: number
}

/**
 * Writes a model of random weights into a folder: a token of it takes an engine as long as one of a trained model of its
 * size. It has the vocabulary and the chat template of the embedded model, and what it says means nothing.
 */
export async function writeRandomModel(folder: string): Promise<RandomModel> {
  const vocabulary = await embeddedVocabulary()
  const weights = randomWeights(vocabulary.tokens.length)
  const name = 'random'
  const bytes = writeLlamaModel(
    {
      name,
      description: 'Random weights',
      license: 'apache-2.0',
      shape: SHAPE,
      vocabulary,
      weights,
    },
    'Q8_0',
  )
  const path = join(folder, 'random-q8_0.gguf')
  await writeFile(path, bytes)
  const sha256 = toHex(createHash('sha256').update(bytes).digest())
  const parameters = [...weights.values()].reduce((sum, { length }) => sum + length, 0)
  return { model: { path, sha256, name }, parameters }
}

async function embeddedVocabulary(): Promise<Vocabulary> {
  const { metadata } = await readGgufFileInfo(embeddedModel.path, { sourceType: 'filesystem' })
  const { tokens, token_type: types, merges } = metadata.tokenizer.ggml
  const special = CONTROL_TOKENS.map((text) => [text, tokens.indexOf(text)])
  return { tokens, types, merges: merges ?? [], special: Object.fromEntries(special) }
}

/** Layers share one draw of weights: an engine reads them one by one all the same. */
function randomWeights(vocabularySize: number): ReadonlyMap<string, Float32Array> {
  const { dim, ffn, layers } = SHAPE
  const random = createRandom(SEED)
  const drawn = (size: number): Float32Array =>
    Float32Array.from({ length: size }, () => (random.fraction() * 2 - 1) * SPREAD)
  const ones = new Float32Array(dim).fill(1)
  const layer = {
    attn_norm: ones,
    attn_q: drawn(dim * dim),
    attn_k: drawn(dim * dim),
    attn_v: drawn(dim * dim),
    attn_output: drawn(dim * dim),
    ffn_norm: ones,
    ffn_gate: drawn(dim * ffn),
    ffn_up: drawn(dim * ffn),
    ffn_down: drawn(ffn * dim),
  }
  const weights = new Map([
    ['token_embd.weight', drawn(dim * vocabularySize)],
    ['output_norm.weight', ones],
  ])
  for (let index = 0; index < layers; index++) {
    for (const [part, data] of Object.entries(layer))
      weights.set(`blk.${index}.${part}.weight`, data)
  }
  return weights
}

// export.ts WEIGHTS VOCAB.json OUT.gguf [F32|F16|Q8_0]: reads WEIGHTS.json and WEIGHTS.bin of train.py.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { parseVocabulary } from './bpe/vocabulary.ts'
import { writeLlamaModel } from './llama-model.ts'

const manifestSchema = z.object({
  shape: z.strictObject({
    dim: z.int(),
    layers: z.int(),
    heads: z.int(),
    kvHeads: z.int(),
    ffn: z.int(),
    ctx: z.int(),
    ropeBase: z.number(),
    eps: z.number(),
  }),
  /** Byte offset and count of the binary32 numbers of each tensor. */
  tensors: z.record(z.string(), z.tuple([z.int(), z.int()])),
})

const [weightsPath = 'weights', vocabularyPath = 'data/vocab.json', out = 'model.gguf', encoding] =
  process.argv.slice(2)

const manifest = manifestSchema.parse(JSON.parse(readFileSync(`${weightsPath}.json`, 'utf8')))
const bytes = new Uint8Array(readFileSync(`${weightsPath}.bin`))
const weights = new Map(
  Object.entries(manifest.tensors).map(([name, [offset, count]]) => [
    name,
    new Float32Array(bytes.slice(offset, offset + count * Float32Array.BYTES_PER_ELEMENT).buffer),
  ]),
)
const model = writeLlamaModel(
  {
    name: 'Enclave Mini',
    description: 'Tiny demonstration model trained on text written by the project',
    license: 'apache-2.0',
    shape: manifest.shape,
    vocabulary: parseVocabulary(readFileSync(vocabularyPath, 'utf8')),
    weights,
  },
  z.enum(['F32', 'F16', 'Q8_0']).parse(encoding ?? 'Q8_0'),
)
writeFileSync(out, model)
console.log(`${createHash('sha256').update(model).digest('hex')}  ${out}`)

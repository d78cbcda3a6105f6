import { controlToken, type Vocabulary } from './bpe/vocabulary.ts'
import { CHAT_TEMPLATE } from './chat-template.ts'
import { bool, f32, i32s, string, strings, u32, type Metadata } from './gguf/metadata.ts'
import type { Tensor, TensorEncoding } from './gguf/tensor.ts'
import { writeGguf } from './gguf/write-gguf.ts'

/** Sizes of a network of llama.cpp's architecture `llama`. */
interface Shape {
  readonly dim: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly ffn: number
  /** Context length in tokens. */
  readonly ctx: number
  readonly ropeBase: number
  readonly eps: number
}

/** A trained model. */
export interface TrainedModel {
  readonly name: string
  readonly description: string
  /** SPDX expression. */
  readonly license: string
  readonly shape: Shape
  readonly vocabulary: Vocabulary
  /** By tensor name, row-major. */
  readonly weights: ReadonlyMap<string, Float32Array>
}

/** `general.file_type` of llama.cpp. */
const FILE_TYPE: Readonly<Record<TensorEncoding, number>> = { F32: 0, F16: 1, Q8_0: 7 }
const QUANTIZATION_VERSION = 2
const MEAN_POOLING = 1

/** The model as a GGUF file; matrices in the given encoding, norms in F32. */
export function writeLlamaModel(model: TrainedModel, encoding: TensorEncoding): Uint8Array {
  return writeGguf(metadataOf(model, encoding), tensorsOf(model, encoding))
}

/** Without `output.weight`: llama.cpp then ties it to the embedding. */
function tensorsOf(
  { shape, vocabulary, weights }: TrainedModel,
  encoding: TensorEncoding,
): Tensor[] {
  const { dim, ffn, heads, kvHeads } = shape
  const kvDim = kvHeads * (dim / heads)
  const tensor = (name: string, dims: readonly number[], as: TensorEncoding): Tensor => {
    const data = weights.get(name)
    if (!data) throw new RangeError(`weights: no ${name}`)
    return { name, dims, data, encoding: as }
  }
  const layer = (index: number): Tensor[] => {
    const name = (part: string): string => `blk.${index}.${part}.weight`
    return [
      tensor(name('attn_norm'), [dim], 'F32'),
      tensor(name('attn_q'), [dim, dim], encoding),
      tensor(name('attn_k'), [dim, kvDim], encoding),
      tensor(name('attn_v'), [dim, kvDim], encoding),
      tensor(name('attn_output'), [dim, dim], encoding),
      tensor(name('ffn_norm'), [dim], 'F32'),
      tensor(name('ffn_gate'), [dim, ffn], encoding),
      tensor(name('ffn_up'), [dim, ffn], encoding),
      tensor(name('ffn_down'), [ffn, dim], encoding),
    ]
  }
  return [
    tensor('token_embd.weight', [dim, vocabulary.tokens.length], encoding),
    tensor('output_norm.weight', [dim], 'F32'),
    ...Array.from({ length: shape.layers }, (_, index) => layer(index)).flat(),
  ]
}

function metadataOf(model: TrainedModel, encoding: TensorEncoding): Metadata {
  return {
    'general.architecture': string('llama'),
    'general.type': string('model'),
    'general.name': string(model.name),
    'general.file_type': u32(FILE_TYPE[encoding]),
    'general.quantization_version': u32(QUANTIZATION_VERSION),
    ...shapeMetadata(model.shape, model.vocabulary.tokens.length),
    ...tokenizerMetadata(model.vocabulary),
    'general.license': string(model.license),
    'general.description': string(model.description),
  }
}

function shapeMetadata(shape: Shape, vocabularySize: number): Metadata {
  return {
    'llama.vocab_size': u32(vocabularySize),
    'llama.context_length': u32(shape.ctx),
    'llama.embedding_length': u32(shape.dim),
    'llama.block_count': u32(shape.layers),
    'llama.feed_forward_length': u32(shape.ffn),
    'llama.rope.dimension_count': u32(shape.dim / shape.heads),
    'llama.attention.head_count': u32(shape.heads),
    'llama.attention.head_count_kv': u32(shape.kvHeads),
    'llama.attention.layer_norm_rms_epsilon': f32(shape.eps),
    'llama.rope.freq_base': f32(shape.ropeBase),
    'llama.pooling_type': u32(MEAN_POOLING),
  }
}

function tokenizerMetadata(vocabulary: Vocabulary): Metadata {
  return {
    'tokenizer.ggml.model': string('gpt2'),
    'tokenizer.ggml.pre': string('gpt-2'),
    'tokenizer.ggml.tokens': strings(vocabulary.tokens),
    'tokenizer.ggml.token_type': i32s(vocabulary.types),
    'tokenizer.ggml.merges': strings(vocabulary.merges),
    'tokenizer.ggml.bos_token_id': u32(controlToken(vocabulary, '<|im_start|>')),
    'tokenizer.ggml.eos_token_id': u32(controlToken(vocabulary, '<|im_end|>')),
    'tokenizer.ggml.padding_token_id': u32(controlToken(vocabulary, '<|endoftext|>')),
    'tokenizer.ggml.add_bos_token': bool(false),
    'tokenizer.chat_template': string(CHAT_TEMPLATE),
  }
}

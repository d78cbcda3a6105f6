import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { GgufFileType, readGgufFileInfo, type GgufFileInfo } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256, toHex } from '@jeju/verifier/protocol'
import { embeddedModel } from '../../enclave/src/engine/embedded-model.ts'
import { CONTROL_TOKENS } from '../../enclave/model/make/bpe/vocabulary.ts'
import { CHAT_TEMPLATE } from '../../enclave/model/make/chat-template.ts'
import { toHalf } from '../../enclave/model/make/gguf/half-float.ts'
import { bool, f32, i32s, string, strings, u32 } from '../../enclave/model/make/gguf/metadata.ts'
import { encodeTensor, type Tensor } from '../../enclave/model/make/gguf/tensor.ts'
import { writeGguf } from '../../enclave/model/make/gguf/write-gguf.ts'
import { writeLlamaModel } from '../../enclave/model/make/llama-model.ts'
import { fromHalf, readTensor } from './read-tensor.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gguf-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function parse(file: Uint8Array): Promise<GgufFileInfo> {
  const path = join(folder, 'file.gguf')
  await writeFile(path, file)
  return readGgufFileInfo(path, { sourceType: 'filesystem' })
}

describe('the GGUF writer', () => {
  const tensor = (name: string, encoding: Tensor['encoding']): Tensor => {
    const data = Float32Array.from({ length: 96 }, (_, index) => Math.sin(index) * 3)
    return { name, dims: [32, 3], data, encoding }
  }
  const tensors = [tensor('a', 'F32'), tensor('b', 'Q8_0'), tensor('c', 'F16')]
  const file = writeGguf(
    {
      'general.architecture': string('llama'),
      'general.name': string('é'),
      'llama.block_count': u32(2 ** 32 - 1),
      'llama.rope.freq_base': f32(0.5),
      'tokenizer.ggml.add_bos_token': bool(true),
      'tokenizer.ggml.tokens': strings(['', '日']),
      'tokenizer.ggml.token_type': i32s([-1, 3]),
    },
    tensors,
  )

  test('writes metadata that an independent reader reads back', async () => {
    const { version, metadata } = await parse(file)
    expect(version).toBe(3)
    expect(metadata).toMatchObject({
      general: { architecture: 'llama', name: 'é' },
      llama: { block_count: 2 ** 32 - 1, rope: { freq_base: 0.5 } },
      tokenizer: { ggml: { add_bos_token: true, tokens: ['', '日'], token_type: [-1, 3] } },
    })
  })

  test('writes tensors where their descriptions say, on a boundary of 32 bytes', async () => {
    const info = await parse(file)
    expect(info.tensorInfo?.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    const errors = tensors.map(({ name, data }) => {
      const found = info.tensorInfo?.find((entry) => entry.name === name)
      expect(Number(found?.offset) % 32).toBe(0)
      const values = readTensor(file, info, name)
      return Math.max(...values.map((value, index) => Math.abs(value - (data[index] ?? NaN))))
    })
    expect(errors[0]).toBe(0)
    // Half a step of 3 / 127, and half a unit in the last place of a binary16 below 4.
    expect(errors[1]).toBeLessThan(3 / 127 / 2 + 0.002)
    expect(errors[2]).toBeLessThanOrEqual(2 ** -10)
  })

  test('refuses a tensor whose numbers do not fill its shape, and rows that Q8_0 cannot hold', () => {
    const data = new Float32Array(33)
    expect(() => encodeTensor({ name: 't', dims: [32], data, encoding: 'F32' })).toThrow(
      't: expected 32 numbers, actual 33',
    )
    expect(() => encodeTensor({ name: 't', dims: [33], data, encoding: 'Q8_0' })).toThrow(
      't: row of 33, expected a multiple of 32',
    )
  })
})

describe('binary16', () => {
  test('of every value a half can hold is that half', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalf(bits)
      if (Number.isNaN(value)) expect(toHalf(value) & 0x7fff).toBe(0x7e00)
      else expect(toHalf(value)).toBe(bits)
    }
  })

  test('is the nearest half, the even one of two', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7bfe }), (bits) => {
        const [low, high] = [fromHalf(bits), fromHalf(bits + 1)]
        const even = bits % 2 === 0 ? bits : bits + 1
        expect(toHalf((low + high) / 2)).toBe(even)
        expect(toHalf(low + (high - low) / 4)).toBe(bits)
        expect(toHalf(low + ((high - low) * 3) / 4)).toBe(bits + 1)
      }),
    )
    expect([65504, 65519, 65520, Infinity].map(toHalf)).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00])
  })
})

test('the shipped file is what export writes for its own weights', async () => {
  const shipped = new Uint8Array(await readFile(embeddedModel.path))
  const info = await parse(shipped)
  const { general, tokenizer } = info.metadata
  const { tokens, token_type: types, merges } = tokenizer.ggml
  expect(tokenizer.chat_template).toBe(CHAT_TEMPLATE)
  expect(general.file_type).toBe(GgufFileType.MOSTLY_Q8_0)
  const names = info.tensorInfo?.map(({ name }) => name) ?? []
  const written = writeLlamaModel(
    {
      name: 'Enclave Mini',
      description: 'Tiny demonstration model trained on text written by the project',
      license: 'apache-2.0',
      shape: {
        dim: 192,
        layers: 6,
        heads: 6,
        kvHeads: 6,
        ffn: 512,
        ctx: 1024,
        ropeBase: 1e4,
        eps: 1e-5,
      },
      vocabulary: {
        tokens,
        types,
        merges: merges ?? [],
        special: Object.fromEntries(CONTROL_TOKENS.map((token) => [token, tokens.indexOf(token)])),
      },
      weights: new Map(names.map((name) => [name, readTensor(shipped, info, name)])),
    },
    'Q8_0',
  )
  expect(toHex(sha256(written))).toBe(embeddedModel.sha256)
})

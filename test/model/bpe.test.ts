import fc from 'fast-check'
import { getLlama, LlamaLogLevel, type Llama, type LlamaModel } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, decodeUtf8 } from '@jeju/verifier/protocol'
import { embeddedModel } from '../../enclave/src/engine/embedded-model.ts'
import { tokenBytes } from '../../enclave/src/engine/token-bytes.ts'
import { Encoder } from '../../enclave/model/make/bpe/encoder.ts'
import { trainVocabulary } from '../../enclave/model/make/bpe/train-vocabulary.ts'
import {
  controlToken,
  CONTROL_TOKENS,
  parseVocabulary,
  type Vocabulary,
} from '../../enclave/model/make/bpe/vocabulary.ts'
import { nextConversation } from '../../enclave/model/make/corpus/conversation.ts'
import { createRandom } from '../../enclave/model/make/random.ts'

const TEXTS = ['low lower lowest', 'new newer newest', 'the lower the newer', '12 12 12 12']

function decode(vocabulary: Vocabulary, ids: readonly number[]): string {
  const { tokens, types } = vocabulary
  const bytesOf = tokenBytes({ kind: 'gpt2', tokens, types })
  return decodeUtf8(concatBytes(...ids.map((id) => bytesOf(id))))
}

describe('a vocabulary', () => {
  const vocabulary = trainVocabulary(TEXTS, 256 + 8 + CONTROL_TOKENS.length, CONTROL_TOKENS)

  test('learns frequent pairs first, never digits, and ends with the control tokens', () => {
    expect(vocabulary.merges).toHaveLength(8)
    expect(vocabulary.merges[0]).toBe('w e')
    expect(vocabulary.merges.join('')).not.toMatch(/[0-9]/)
    expect(vocabulary.tokens.slice(-3)).toEqual(CONTROL_TOKENS)
    expect(vocabulary.types.slice(-4)).toEqual([1, 3, 3, 3])
  })

  test('encodes any text so that its tokens are the text again', () => {
    const encoder = new Encoder(vocabulary)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!CONTROL_TOKENS.some((token) => text.includes(token)))
        expect(decode(vocabulary, encoder.encode(text))).toBe(text)
      }),
    )
  })

  test('encodes control tokens as one token each', () => {
    const start = controlToken(vocabulary, '<|im_start|>')
    const end = controlToken(vocabulary, '<|im_end|>')
    const ids = new Encoder(vocabulary).encode('<|im_start|>1<|im_end|>')
    expect(ids).toEqual([start, '1'.charCodeAt(0), end])
  })

  test('survives its JSON, and nothing else is taken for one', () => {
    expect(parseVocabulary(JSON.stringify(vocabulary))).toEqual(vocabulary)
    expect(() => parseVocabulary(JSON.stringify({ ...vocabulary, more: 1 }))).toThrow('more')
    expect(() => parseVocabulary('{"tokens":[1]}')).toThrow('tokens')
  })
})

describe('the encoder', () => {
  let llama: Llama
  let model: LlamaModel
  beforeAll(async () => {
    llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      logLevel: LlamaLogLevel.disabled,
      maxThreads: 1,
    })
    model = await llama.loadModel({ modelPath: embeddedModel.path, vocabOnly: true })
  })
  afterAll(() => llama.dispose())

  function shippedEncoder(): Encoder {
    const { tokens, token_type: types, merges } = model.fileInfo.metadata.tokenizer.ggml
    const special = Object.fromEntries(
      CONTROL_TOKENS.map((token) => [token, tokens.indexOf(token)]),
    )
    return new Encoder({ tokens, types, merges: merges ?? [], special })
  }

  test('agrees with llama.cpp on the corpus', () => {
    const encoder = shippedEncoder()
    const random = createRandom(11)
    for (let index = 0; index < 500; index++) {
      for (const { content } of nextConversation(random)) {
        expect(encoder.encode(content)).toEqual(model.tokenize(content))
      }
    }
  })

  test('agrees with llama.cpp on other text', () => {
    const encoder = shippedEncoder()
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            'a',
            'Z',
            '1',
            ' ',
            '\n',
            '\t',
            '.',
            "'",
            's',
            'é',
            '日',
            '€',
            '<|',
            '|>',
            '_',
          ),
        }),
        (text) => {
          expect(encoder.encode(text)).toEqual(model.tokenize(text))
        },
      ),
    )
  })
})

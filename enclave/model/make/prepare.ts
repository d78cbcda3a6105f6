// prepare.ts OUT [EXAMPLES] [VOCABULARY SIZE] [VOCABULARY.json]: corpus → vocabulary → token ids and loss mask
// for train.py. With a vocabulary at the end, that one is kept and none is learned.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Encoder } from './bpe/encoder.ts'
import { trainVocabulary } from './bpe/train-vocabulary.ts'
import { CONTROL_TOKENS, parseVocabulary, type Vocabulary } from './bpe/vocabulary.ts'
import { nextConversation, renderChatMl } from './corpus/conversation.ts'
import { createRandom } from './random.ts'
import { encodeExamples, encodePairs } from './training-data.ts'

const VOCABULARY_SEED = 7
const VOCABULARY_CONVERSATIONS = 20_000
const EXAMPLES_SEED = 42
const PAIRS_SEED = 99
const PAIRS = 40_000

const [out = 'data', examples = '200000', vocabularySize = '1536', kept] = process.argv.slice(2)

function learnVocabulary(): Vocabulary {
  const random = createRandom(VOCABULARY_SEED)
  const texts = Array.from({ length: VOCABULARY_CONVERSATIONS }, () =>
    renderChatMl(nextConversation(random)).replace(/<\|im_(start|end)\|>/g, '\n'),
  )
  return trainVocabulary(texts, Number(vocabularySize), CONTROL_TOKENS)
}

const vocabulary =
  kept === undefined ? learnVocabulary() : parseVocabulary(readFileSync(kept, 'utf8'))
const encoder = new Encoder(vocabulary)
const { ids, mask, starts } = encodeExamples(encoder, vocabulary, EXAMPLES_SEED, Number(examples))
const pairs = encodePairs(encoder, PAIRS_SEED, PAIRS)

mkdirSync(out, { recursive: true })
writeFileSync(join(out, 'vocab.json'), JSON.stringify(vocabulary))
writeFileSync(join(out, 'ids.bin'), ids)
writeFileSync(join(out, 'mask.bin'), mask)
writeFileSync(join(out, 'starts.bin'), starts)
writeFileSync(join(out, 'pairs.bin'), pairs.rows)
writeFileSync(join(out, 'pairkeys.bin'), pairs.meanings)
console.log({
  vocabulary: vocabulary.tokens.length,
  examples: starts.length,
  tokens: ids.length,
  trained: mask.reduce((sum, on) => sum + on, 0),
})

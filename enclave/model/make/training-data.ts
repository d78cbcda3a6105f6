import type { Encoder } from './bpe/encoder.ts'
import { controlToken, type Vocabulary } from './bpe/vocabulary.ts'
import { nextConversation } from './corpus/conversation.ts'
import type { Message } from './corpus/message.ts'
import { nextWordingPair } from './corpus/wording-pairs.ts'
import { createRandom } from './random.ts'

/** Conversations as one stream of tokens. */
export interface Examples {
  readonly ids: Uint16Array
  /** 1 where the token is part of an answer and its prediction is trained. */
  readonly mask: Uint8Array
  /** Where each conversation begins. */
  readonly starts: Uint32Array
}

/** Pairs of wordings for the embedding objective. */
export interface Pairs {
  /** Two rows for each pair: the length in the first element, then the tokens. */
  readonly rows: Uint16Array
  /** The meaning of each pair. */
  readonly meanings: Uint16Array
}

/** Elements of one row of {@link Pairs}. */
const PAIR_ROW_ELEMENTS = 48

/** Encodes `count` conversations. */
export function encodeExamples(
  encoder: Encoder,
  vocabulary: Vocabulary,
  seed: number,
  count: number,
): Examples {
  const random = createRandom(seed)
  const ids: number[] = []
  const mask: number[] = []
  const starts: number[] = []
  const add = (tokens: readonly number[], trained: boolean): void => {
    for (const token of tokens) {
      ids.push(token)
      mask.push(trained ? 1 : 0)
    }
  }
  const addMessage = ({ role, content }: Message): void => {
    add(encoder.encode(`<|im_start|>${role}\n`), false)
    add(encoder.encode(`${content}<|im_end|>`), role === 'assistant')
    add(encoder.encode('\n'), false)
  }
  for (let index = 0; index < count; index++) {
    starts.push(ids.length)
    nextConversation(random).forEach(addMessage)
    add([controlToken(vocabulary, '<|endoftext|>')], false)
  }
  return {
    ids: Uint16Array.from(ids),
    mask: Uint8Array.from(mask),
    starts: Uint32Array.from(starts),
  }
}

/** Encodes `count` pairs of wordings. */
export function encodePairs(encoder: Encoder, seed: number, count: number): Pairs {
  const random = createRandom(seed)
  const rows = new Uint16Array(count * 2 * PAIR_ROW_ELEMENTS)
  const meanings = new Uint16Array(count)
  for (let index = 0; index < count; index++) {
    const { first, second, meaning } = nextWordingPair(random)
    meanings[index] = meaning
    for (const [which, text] of [first, second].entries()) {
      const tokens = encoder.encode(text).slice(0, PAIR_ROW_ELEMENTS - 1)
      rows.set([tokens.length, ...tokens], (index * 2 + which) * PAIR_ROW_ELEMENTS)
    }
  }
  return { rows, meanings }
}

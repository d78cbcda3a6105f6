import { z } from 'zod'

const absent = <Schema extends z.ZodType>(schema: Schema): z.ZodOptional<z.ZodNullable<Schema>> =>
  schema.nullable().optional()
const count = z.number().int().min(0)

const probability = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: absent(z.array(z.number().int().min(0).max(255))),
})

/** Token counts of an upstream. */
const usage = z.object({
  prompt_tokens: count,
  completion_tokens: absent(count),
  prompt_tokens_details: absent(z.object({ cached_tokens: absent(count) })),
})

/** What of a delta has no effect on an answer, or that we write. Anything else would be lost, so it is refused. */
const delta = z.strictObject({
  role: absent(z.string()),
  content: absent(z.string()),
  refusal: absent(z.literal('')),
  // Servers of several vendors state these, empty, without a reasoning parser.
  reasoning_content: absent(z.literal('')),
  reasoning: absent(z.literal('')),
  function_call: absent(z.never()),
  tool_calls: absent(
    z.array(
      z.object({
        index: count,
        id: absent(z.string()),
        function: absent(z.object({ name: absent(z.string()), arguments: absent(z.string()) })),
      }),
    ),
  ),
})

/** TGI has two more words for a stop. */
const finish = z
  .enum(['stop', 'length', 'tool_calls', 'abort', 'stop_sequence', 'eos_token'])
  .transform((reason) => (reason === 'stop_sequence' || reason === 'eos_token' ? 'stop' : reason))
/** The stop string or token that ended the answer, of vLLM as `stop_reason` and of SGLang as `matched_stop`. */
const stopReason = z.union([z.string(), z.number()])

const choice = z.object({
  index: z.literal(0),
  delta,
  finish_reason: absent(finish),
  stop_reason: absent(stopReason),
  matched_stop: absent(stopReason),
  logprobs: absent(
    z.object({
      content: absent(z.array(probability.extend({ top_logprobs: absent(z.array(probability)) }))),
    }),
  ),
})

type Absent<Value> = Value | null | undefined

/** A probability as an upstream states it. */
export interface UpstreamProbability {
  readonly token: string
  readonly logprob: number
  readonly bytes?: Absent<readonly number[]>
}

/** Usage as an upstream states it. */
export interface UpstreamUsage {
  readonly prompt_tokens: number
  readonly completion_tokens?: Absent<number>
  readonly prompt_tokens_details?: Absent<{ readonly cached_tokens?: Absent<number> }>
}

/** A piece of a call as an upstream states it. */
interface UpstreamCall {
  readonly index: number
  readonly id?: Absent<string>
  readonly function?: Absent<{
    readonly name?: Absent<string>
    readonly arguments?: Absent<string>
  }>
}

/** What goes on in an answer. */
export interface UpstreamChoice {
  readonly delta: {
    readonly content?: Absent<string>
    readonly tool_calls?: Absent<readonly UpstreamCall[]>
  }
  readonly finish_reason?: Absent<'stop' | 'length' | 'tool_calls' | 'abort'>
  readonly stop_reason?: Absent<string | number>
  readonly matched_stop?: Absent<string | number>
  readonly logprobs?: Absent<{
    readonly content?: Absent<
      readonly (UpstreamProbability & {
        readonly top_logprobs?: Absent<readonly UpstreamProbability[]>
      })[]
    >
  }>
}

/** Chunk of a chat completion; `choices` is empty in the last one, which states the usage. */
export interface UpstreamChunk {
  readonly model: string
  readonly choices: readonly UpstreamChoice[]
  readonly usage?: Absent<UpstreamUsage>
}

/** One document of a stream. */
export const upstreamChunk: z.ZodType<UpstreamChunk> = z.object({
  model: z.string(),
  choices: z.array(choice).max(1),
  usage: absent(usage),
})

/** One document of a stream of a text completion. */
export const upstreamTextChunk: z.ZodType<UpstreamChunk> = z
  .object({
    model: z.string(),
    choices: z
      .array(
        z.object({
          index: z.literal(0),
          text: z.string(),
          finish_reason: absent(finish),
          stop_reason: absent(stopReason),
          matched_stop: absent(stopReason),
        }),
      )
      .max(1),
    usage: absent(usage),
  })
  .transform(({ choices, ...chunk }) => ({
    ...chunk,
    choices: choices.map(({ text, ...rest }) => ({ ...rest, delta: { content: text } })),
  }))

/** List of models; what others tell of them is not read. */
export const upstreamModels: z.ZodType<{
  readonly data: readonly {
    readonly id: string
    readonly max_model_len?: number | null | undefined
  }[]
}> = z.object({
  data: z.array(z.object({ id: z.string(), max_model_len: absent(count) })),
})

/** Vectors of some texts. */
export const upstreamEmbeddings: z.ZodType<{
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[]
  readonly usage: UpstreamUsage
}> = z.object({
  data: z.array(z.object({ index: count, embedding: z.array(z.number()) })),
  usage,
})

/** vLLM's tokenizer. */
export const upstreamTokens: z.ZodType<{ readonly count: number }> = z.object({ count })

import type { GenerateRequest } from '../engine.ts'
import type { AnswerForm, ChatMessage, Prompt, Tool, ToolChoice } from '../prompt.ts'

type ChatPrompt = Extract<Prompt, { kind: 'chat' }>

/** A conversation as OpenAI's APIs have it. */
export function chatMembers({ messages, tools }: ChatPrompt): object {
  return {
    messages: messages.map(messageValue),
    ...(tools.length === 0 ? {} : { tools: tools.map(toolValue) }),
  }
}

/** What is asked of. */
export interface AskedUpstream {
  readonly kind: 'vllm' | 'sglang' | 'tgi'
  /** Whether it keeps prefixes apart by a salt. */
  readonly salted: boolean
}

/** How to answer, for both kinds of prompt; everything is written out, so that no default of an upstream counts. */
export function answerMembers(
  model: string,
  request: GenerateRequest,
  { kind, salted }: AskedUpstream,
): object {
  const { temperature = 0, topP = 1, seed, stop = [], owner } = request
  return {
    model,
    max_tokens: request.maxTokens,
    temperature,
    ...(kind === 'tgi' ? tgiSampling(topP) : samplingMembers(topP, request)),
    n: 1,
    stream: true,
    stream_options: { include_usage: true },
    ...(seed === undefined ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stop }),
    // vLLM and SGLang keep prefixes apart by it (attack E10).
    ...(owner === undefined || !salted ? {} : { cache_salt: owner }),
  }
}

function samplingMembers(topP: number, request: GenerateRequest): object {
  return {
    top_p: topP,
    frequency_penalty: request.frequencyPenalty ?? 0,
    presence_penalty: request.presencePenalty ?? 0,
  }
}

/** TGI refuses the whole of 1, and reads a presence penalty of 0 as a repetition penalty of 2: what is neutral is left out. */
function tgiSampling(topP: number): object {
  return topP === 1 ? {} : { top_p: topP }
}

/** What only conversations have. */
export function chatOptions(tools: readonly Tool[], request: GenerateRequest): object {
  const { toolChoice = 'auto', singleToolCall = false, logprobs, form = { kind: 'text' } } = request
  return {
    ...(tools.length === 0
      ? {}
      : { tool_choice: choiceValue(toolChoice), parallel_tool_calls: !singleToolCall }),
    ...(logprobs === undefined ? {} : { logprobs: true, top_logprobs: logprobs }),
    ...formMembers(form),
  }
}

function formMembers(form: AnswerForm): object {
  switch (form.kind) {
    case 'text':
      return {}
    case 'json':
      return { response_format: { type: 'json_object' } }
    case 'schema': {
      const { name, schema } = form
      return {
        response_format: { type: 'json_schema', json_schema: { name, schema, strict: true } },
      }
    }
  }
}

function choiceValue(choice: ToolChoice): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } }
}

function toolValue({ name, description, parameters, strict }: Tool): object {
  return {
    type: 'function',
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(strict === undefined ? {} : { strict }),
    },
  }
}

function messageValue(message: ChatMessage): object {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content }
    case 'tool':
      return { role: 'tool', content: message.content, tool_call_id: message.toolCallId }
    case 'assistant': {
      const calls = (message.toolCalls ?? []).map(({ id, name, arguments: args }) => ({
        id,
        type: 'function',
        function: { name, arguments: args },
      }))
      return {
        role: 'assistant',
        content: message.content,
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      }
    }
    case 'user':
      return {
        role: 'user',
        content:
          typeof message.content === 'string'
            ? message.content
            : message.content.map((part) =>
                part.type === 'text'
                  ? { type: 'text', text: part.text }
                  : { type: 'image_url', image_url: { url: part.url } },
              ),
      }
  }
}

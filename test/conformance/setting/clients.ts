import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { ChatOpenAI } from '@langchain/openai'
import OpenAI from 'openai'
import { afterAll, beforeAll } from 'vitest'
import { loadEmbeddedEngine } from '../../../enclave/src/engine/embedded-engine.ts'
import { embeddedModel } from '../../../enclave/src/engine/embedded-model.ts'
import { cleanUp } from '../../enclave/setting/start-node.ts'
import { GATEWAY, receiptsOf, startVerifiedNode, type VerifiedNode } from './verified-node.ts'

export const model = embeddedModel.name
export const QUESTION = 'What is 7 times 8?'
export const ANSWER = '7 * 8 = 56'
export const WEATHER = 'What is the weather in Paris?'
export const CITY = { type: 'object', properties: { city: { type: 'string' } } } as const
/** The API takes it; the types of Anthropic's client no longer name it. */
export const GREEDY = { temperature: 0 }

const KEY = { apiKey: 'unused' } as const

/** A node with the embedded model for the tests of a file, and every client on its user's fetch. */
export function useClients() {
  let node: VerifiedNode
  beforeAll(async () => {
    node = await startVerifiedNode({ realEngine: await loadEmbeddedEngine(embeddedModel) })
  })
  afterAll(cleanUp)
  return {
    receipts: (): ReturnType<typeof receiptsOf> => receiptsOf(node),
    openai: (): OpenAI => new OpenAI({ ...KEY, baseURL: `${GATEWAY}/v1`, fetch: node.fetch }),
    anthropic: (): Anthropic => new Anthropic({ ...KEY, baseURL: GATEWAY, fetch: node.fetch }),
    /** The model as the Vercel AI SDK sees it. */
    vercel: () =>
      createOpenAICompatible({
        ...KEY,
        name: 'jeju',
        baseURL: `${GATEWAY}/v1`,
        fetch: node.fetch,
        includeUsage: true,
      })(model),
    langchain: (): ChatOpenAI =>
      new ChatOpenAI({
        ...KEY,
        model,
        temperature: 0,
        configuration: { baseURL: `${GATEWAY}/v1`, fetch: node.fetch },
      }),
  }
}

import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoSecrets, startCommandLine, type CommandLine } from './setting/command-line.ts'

// What a body says of routing is for `jeju proxy`, on a network of real processes.

const QUESTION = 'What is 7 times 8?'
const ANSWER = '7 * 8 = 56'

let commandLine: CommandLine

beforeAll(async () => {
  commandLine = await startCommandLine()
}, 180_000)

afterAll(() => commandLine?.stop(), 60_000)

describe('preferences in a body, as OpenRouter’s users write them', () => {
  test('are the proxy’s at every endpoint, and a node sees none of them', async () => {
    const { network, node, tampered, withProxy } = commandLine
    const model = network.model.descriptor.id
    const messages = [{ role: 'user' as const, content: QUESTION }]
    const routing = {
      provider: {
        only: [node.agentId.toString()],
        ignore: [tampered.agentId.toString()],
        max_price: { prompt: '1000000000000000000' },
        require_parameters: true,
        sort: 'latency',
      },
      models: [model],
      min_tier: 'simulated',
    }
    const progress = await withProxy('', async (url) => {
      const openai = new OpenAI({ apiKey: 'none', baseURL: url, maxRetries: 0 })
      const chat = { model, messages, temperature: 0 }
      const whole = await openai.chat.completions.create({ ...chat, ...routing })
      expect(whole.choices[0]?.message.content).toBe(ANSWER)
      const first = { ...chat, model: 'nobody-has-it', ...routing }
      expect((await openai.chat.completions.create(first)).model).toBe(model)
      const said = await openai.responses.create({ model, input: QUESTION, ...routing })
      expect(said.output_text).toBe(ANSWER)
      const prompt = { model, prompt: QUESTION, max_tokens: 4, ...routing }
      expect((await openai.completions.create(prompt)).choices).toHaveLength(1)
      const input = { model, input: QUESTION, ...routing }
      expect((await openai.embeddings.create(input)).data).toHaveLength(1)
      const baseURL = url.replace(/\/v1$/, '')
      const anthropic = new Anthropic({ apiKey: 'none', baseURL, maxRetries: 0 })
      const told = await anthropic.messages.create({ model, max_tokens: 30, messages, ...routing })
      expect(told.content).toEqual([{ type: 'text', text: ANSWER }])

      for (const [provider, status, param] of [
        [{ only: [tampered.agentId.toString()] }, 502, null],
        [
          { ignore: [node.agentId.toString()], only: ['0x' + '00'.repeat(20)] },
          412,
          'provider.only',
        ],
        [{ max_price: { completion: 1 } }, 412, 'provider.max_price.completion'],
        [{ only: ['me'] }, 400, 'provider.only.0'],
        [{ data_centers: ['x'] }, 400, 'provider.data_centers'],
      ] as const) {
        const question = { ...chat, provider }
        const asked = openai.chat.completions.create(question)
        await expect(asked, JSON.stringify(provider)).rejects.toMatchObject({ status, param })
      }
    })
    expect(progress.match(/answer verified/g)).toHaveLength(6)
    expect(progress).not.toContain(QUESTION)
    expectNoSecrets(commandLine)
  })
})

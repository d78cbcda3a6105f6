import { describe, expect, test } from 'vitest'
import { answerText, file, json, stream, streamText } from '../protocol/receipt-file.ts'
import { fileOf, jsonLines, runCli, runHere } from './run-cli.ts'

const judge = async (
  content: object,
): Promise<readonly [number | null, Record<string, unknown> | undefined]> => {
  const path = fileOf('answer.json', JSON.stringify(content))
  const { code, stdout } = await runHere(['receipt', '--json', path])
  return [code, jsonLines(stdout)[0]]
}

describe('receipt', () => {
  test.each([
    ['a JSON answer', { ...json, usage: { inputTokens: 12, outputTokens: 20 } }],
    [
      'its bytes',
      { kind: 'json', bytes: Buffer.from(answerText).toString('base64'), receipt: json.receipt },
    ],
    ['a stream', stream],
  ])('%s as it came is accepted, with its fee', async (_name, answer) => {
    const [code, found] = await judge({ ...file, answer })
    expect(code).toBe(0)
    expect(found).toMatchObject({ verdict: 'accepted', code: null, fee: '144' })
  })

  test.each([
    [
      'E14 another text',
      { ...json, text: answerText.replace('a proof', 'a claim') },
      'receipt-response',
    ],
    ['E15 no receipt', { kind: 'json', text: answerText }, 'receipt-present'],
    ['E15 a receipt that is none', { ...json, receipt: 'AA' }, 'receipt-present'],
    ['a stream cut short', { ...stream, text: streamText }, 'receipt-present'],
    ['other counts', { ...json, usage: { inputTokens: 12, outputTokens: 21 } }, 'receipt-usage'],
  ])('%s is rejected by name', async (_name, answer, check) => {
    const [code, found] = await judge({ ...file, answer })
    expect(code).toBe(10)
    expect(found).toMatchObject({ verdict: 'rejected', code: check, fee: null })
  })

  test('a file of another form is malformed', async () => {
    for (const content of [
      { ...file, v: 2 },
      { ...file, price: undefined },
      { ...file, comment: 'x' },
      { ...file, answer: { ...json, bytes: '00' } },
      { ...file, answer: { ...stream, receipt: json.receipt } },
    ]) {
      const [code, found] = await judge(content)
      expect(code).toBe(30)
      expect(found).toMatchObject({ verdict: 'malformed', code: 'INPUT_FIELD' })
    }
  })

  test('for people, and as of another time', async () => {
    const path = fileOf('answer.json', JSON.stringify(file))
    const { code, stdout } = await runCli(['receipt', '--at', '2027-01-01T00:00:00Z', path])
    expect(code).toBe(10)
    expect(stdout).toMatch(/FAILED +receipt-time.*\n.*expected {2}issued no later than/)
  })
})

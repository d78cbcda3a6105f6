import { expect, test } from 'vitest'
import { chunksOfFrames, endOfAnswer } from '../../sdk/src/answer/chunk-frames.ts'

const DELTA = '{"type":"response.output_text.delta","delta":"a"}'
const event = (name: string, document: string): string => `event: ${name}\ndata: ${document}\n\n`

test('frames that say one thing are given out', () => {
  expect(chunksOfFrames(event('response.output_text.delta', DELTA), 'responses')).toEqual([DELTA])
  expect(chunksOfFrames('data: {"id":"1"}\n\n', 'chat')).toEqual(['{"id":"1"}'])
})

test.each([
  // A client that keeps the last of doubled members reads another type than one that keeps the first.
  '{"type":"response.output_text.delta","type":"response.completed","response":{}}',
  String.raw`{"type":"response.output_text.delta","t\u0079pe":"response.completed"}`,
  '{"type":"response.completed","response":{}}',
  '{"delta":"a"}',
  '["response.output_text.delta"]',
  '{"type":"response.output_text.delta"',
])('E13 a document of another type than its event is not given out: %s', (document) => {
  expect(chunksOfFrames(event('response.output_text.delta', document), 'responses')).toBeUndefined()
})

test.each(['error', 'response.failed', 'response.completed'])(
  'E13 %s would end the answer, and is not given out before it is verified',
  (name) => {
    const frame = event(name, JSON.stringify({ type: name }))
    expect(chunksOfFrames(frame, 'responses')).toBeUndefined()
  },
)

test('E13 an error in a chunk would end the answer too', () => {
  expect(chunksOfFrames('data: {"error":{"message":"x"}}\n\n', 'chat')).toBeUndefined()
  expect(chunksOfFrames('data: {"id":"1","id":"2"}\n\n', 'chat')).toBeUndefined()
})

test('the event that ends an answer is known by its name', () => {
  const document = '{"type":"response.completed"}'
  expect(endOfAnswer(event('response.completed', document), 'responses')).toBe(document)
  expect(endOfAnswer(event('response.output_text.delta', DELTA), 'responses')).toBeUndefined()
})

import { utf8 } from '@jeju/verifier/protocol'
import { afterEach, expect, test, vi } from 'vitest'
import { MAX_STALL_MS, openAnswerStream } from '../../enclave/src/answer/answer-stream.ts'

afterEach(() => vi.useRealTimers())

/** A stream of three frames, and what became of it. */
async function openStream(): Promise<{
  readonly reader: ReadableStreamDefaultReader<Uint8Array>
  readonly events: string[]
}> {
  const events: string[] = []
  async function* frames(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    try {
      for (const frame of ['a', 'b', 'c']) yield await Promise.resolve(utf8(frame))
    } finally {
      events.push('concluded')
    }
  }
  const stream = await openAnswerStream(frames(), {
    gone: new AbortController(),
    drop: new AbortController().signal,
    failed: () => events.push('failed'),
    ended: () => events.push('ended'),
  })
  return { reader: stream.getReader(), events }
}

test('N7 a reader who takes nothing for too long gives its place back', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { reader, events } = await openStream()
  await reader.read()
  await vi.advanceTimersByTimeAsync(MAX_STALL_MS - 1)
  await reader.read()
  await vi.advanceTimersByTimeAsync(MAX_STALL_MS - 1)
  expect(events).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(events).toEqual(['concluded', 'ended'])
  await expect(reader.read()).rejects.toThrow('not taken in time')
})

test('N7 a reader who never takes a frame gives its place back', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { events } = await openStream()
  await vi.advanceTimersByTimeAsync(MAX_STALL_MS)
  expect(events).toEqual(['concluded', 'ended'])
})

test('a reader who takes all, or leaves, is not waited for', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const taken = await openStream()
  for (let read = 0; read < 4; read++) await taken.reader.read()
  const left = await openStream()
  await left.reader.read()
  await left.reader.cancel()
  expect(vi.getTimerCount()).toBe(0)
  expect(taken.events).toEqual(['concluded', 'ended'])
  expect(left.events).toEqual(['concluded', 'ended'])
})

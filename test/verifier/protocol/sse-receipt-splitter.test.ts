import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  concatBytes,
  decodeUtf8,
  DONE_FRAME,
  encodeComputeReceipt,
  receiptFrame,
  SseReceiptSplitter,
  utf8,
  type StreamEnd,
} from '@jeju/verifier/protocol'
import { sampleReceipt } from './samples.ts'

const receipt = sampleReceipt(`0x${'a1'.repeat(32)}`, `0x${'b2'.repeat(32)}`)
const chunk = { id: 'chatcmpl-1', model: 'enclave-mini', created: 1_800_000_000 }
const frame = receiptFrame(receipt, chunk)
const covered = utf8(
  'data: {"choices":[{"delta":{"content":"event: receipt\\n é"}}]}\n\ndata: {}\n\n',
)
const stream = concatBytes(covered, frame, utf8(DONE_FRAME))

function split(bytes: Uint8Array, cuts: readonly number[]): { body: Uint8Array; end: StreamEnd } {
  const splitter = new SseReceiptSplitter()
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b)]
  const parts = edges.map((from, index) => bytes.subarray(from, edges[index + 1] ?? bytes.length))
  const body = concatBytes(...parts.map((part) => splitter.push(part)))
  return { body, end: splitter.end() }
}

describe('receipt at the end of an event stream', () => {
  test('is found at any chunking, and only the bytes before it are given out', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        const { body, end } = split(stream, cuts)
        expect(body).toEqual(covered)
        expect(end.receipt).toEqual(receipt)
        expect(end.text).toBe(encodeComputeReceipt(receipt))
        expect(end.tail).toEqual(concatBytes(frame, utf8(DONE_FRAME)))
      }),
    )
  })

  test('byte by byte', () => {
    expect(split(stream, Array.from(stream.keys())).body).toEqual(covered)
  })

  test('E9 stream_truncation_rejected: every prefix is refused', () => {
    for (let length = 0; length < stream.length; length++) {
      expect(() => split(stream.subarray(0, length), []), `prefix of ${length}`).toThrow(
        expect.objectContaining({ name: 'ProtocolError' }),
      )
    }
  })

  test('a second receipt, bytes after [DONE], and a frame between are refused', () => {
    const done = utf8(DONE_FRAME)
    for (const bytes of [
      concatBytes(covered, frame, frame, done),
      concatBytes(covered, frame, done, utf8('data: {}\n\n')),
      concatBytes(covered, frame, utf8('data: {}\n\n'), done),
      concatBytes(covered, frame, done, done),
      concatBytes(covered, utf8('event: receipt\ndata: {}\n\n'), done),
    ]) {
      expect(() => split(bytes, [])).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
    }
  })

  test('E9 frame_text_rejected: the frame the receipt does not cover can carry no answer', () => {
    const text = decodeUtf8(frame)
    for (const changed of [
      text.replace('"choices":[]', '"choices":[{"delta":{"content":"lie"},"index":0}]'),
      text.replace('chat.completion.chunk', 'chat.completion'),
      text.replace('"model":"enclave-mini","object"', '"model":"other","object"'),
      text.replace('"choices":[]', '"choices":[],"content":"lie"'),
    ]) {
      expect(changed).not.toBe(text)
      const bytes = concatBytes(covered, utf8(changed), utf8(DONE_FRAME))
      expect(() => split(bytes, [])).toThrow(expect.objectContaining({ name: 'ProtocolError' }))
    }
  })

  test('what a peer can make us hold is bounded', () => {
    const splitter = new SseReceiptSplitter()
    const megabyte = new Uint8Array(1024 * 1024).fill(0x61)
    expect(() => {
      for (let i = 0; i < 3; i++) splitter.push(megabyte)
    }).toThrow(expect.objectContaining({ code: 'INPUT_TOO_LARGE' }))
  })
})

describe('receipt behind the event that ends an answer', () => {
  const events = utf8('event: message_start\ndata: {"type":"message_start"}\n\n')
  const last = utf8('event: message_stop\ndata: {"type":"message_stop"}\n\n')
  const comment = receiptFrame(receipt, chunk, 'messages')
  const whole = concatBytes(events, last, comment)
  const splitEvents = (bytes: Uint8Array, size: number): { body: Uint8Array; end: StreamEnd } => {
    const splitter = new SseReceiptSplitter('messages')
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) {
      parts.push(splitter.push(bytes.subarray(at, at + size)))
    }
    return { body: concatBytes(...parts), end: splitter.end() }
  }

  test('is found at any chunking, and the last event is held back', () => {
    for (let size = 1; size <= whole.length; size += 3) {
      const { body, end } = splitEvents(whole, size)
      expect(body).toEqual(events)
      expect(end).toEqual({
        receipt,
        text: encodeComputeReceipt(receipt),
        held: last,
        tail: comment,
      })
    }
  })

  test('E9 stream_truncation_rejected: every prefix, and every other order, is refused', () => {
    const refused: unknown = expect.objectContaining({ name: 'ProtocolError' })
    for (let length = 0; length < whole.length; length++) {
      expect(() => splitEvents(whole.subarray(0, length), 64), `prefix ${length}`).toThrow(refused)
    }
    for (const bytes of [
      concatBytes(events, comment, last),
      concatBytes(events, comment),
      concatBytes(events, last, last, comment),
      concatBytes(events, last, events, comment),
      concatBytes(whole, events),
      concatBytes(whole, comment),
      concatBytes(events, last, frame),
    ]) {
      expect(() => splitEvents(bytes, 64)).toThrow(refused)
    }
  })
})

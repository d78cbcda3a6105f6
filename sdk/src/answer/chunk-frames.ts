import { TERMINAL_EVENTS, type StreamKind } from '@jeju/verifier/protocol'

/** A frame of chunks: one line, one JSON object (docs/protocol.md §6). */
const CHUNK_FRAME = /^data: (\{[^\r\n]*\})$/
/** A frame of named events. */
const EVENT_FRAME = /^event: ([a-z_.]+)\ndata: (\{[^\r\n]*\})$/
/**
 * The JSON of whole frames, or undefined when one of them is anything else. Frames are given out before the receipt
 * that covers them, so an early end, in whatever form of an event stream, would end the answer unverified.
 */
export function chunksOfFrames(frames: string, kind: StreamKind): readonly string[] | undefined {
  const read = kind === 'chat' || kind === 'completion' ? chunkOf : eventReader(kind)
  const documents = frames.split('\n\n').slice(0, -1).map(read)
  return documents.every((document) => document !== undefined) ? documents : undefined
}

/** The JSON of the event that ends an answer; it is given out when it is verified. */
export function endOfAnswer(frame: string, kind: StreamKind): string | undefined {
  const [, name = '', document] = EVENT_FRAME.exec(frame.replace(/\n\n$/, '')) ?? []
  return TERMINAL_EVENTS[kind].includes(name) ? document : undefined
}

function chunkOf(frame: string): string | undefined {
  return CHUNK_FRAME.exec(frame)?.[1]
}

function eventReader(kind: StreamKind): (frame: string) => string | undefined {
  // An error would end the answer too, and only an intermediary could have put it there.
  const refused = ['error', ...TERMINAL_EVENTS[kind]]
  return (frame) => {
    const [, name = '', document] = EVENT_FRAME.exec(frame) ?? []
    // Some clients go by the name of an event, others by the type in its document.
    const isNamed = document !== undefined && document.startsWith(`{"type":"${name}"`)
    return isNamed && !refused.includes(name) ? document : undefined
  }
}

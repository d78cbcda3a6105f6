import {
  JsonError,
  parseStrictJson,
  TERMINAL_EVENTS,
  type StreamKind,
} from '@jeju/verifier/protocol'

const MAX_DEPTH = 64

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

/** A chunk with an error would end the answer too. */
function chunkOf(frame: string): string | undefined {
  const document = CHUNK_FRAME.exec(frame)?.[1]
  const chunk = document === undefined ? undefined : readObject(document)
  return chunk === undefined || Object.hasOwn(chunk, 'error') ? undefined : document
}

/** The type that a client reads, whichever of doubled members it keeps: a document with one is none. */
function typeIn(document: string): unknown {
  return readObject(document)?.['type']
}

function readObject(document: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseStrictJson(document, { maxDepth: MAX_DEPTH })
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    return undefined
  }
}

function eventReader(kind: StreamKind): (frame: string) => string | undefined {
  // An error would end the answer too, and only an intermediary could have put it there.
  const refused = ['error', 'response.failed', ...TERMINAL_EVENTS[kind]]
  return (frame) => {
    const [, name = '', document] = EVENT_FRAME.exec(frame) ?? []
    // Some clients go by the name of an event, others by the type in its document.
    const isNamed = document !== undefined && typeIn(document) === name
    return isNamed && !refused.includes(name) ? document : undefined
  }
}

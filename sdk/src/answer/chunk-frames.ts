/** A frame of an answer: one line, one JSON object (docs/protocol.md §6). */
const CHUNK_FRAME = /^data: (\{[^\r\n]*\})$/

/**
 * The JSON of whole frames, or undefined when one of them is anything else. Frames are given out before the receipt
 * that covers them, so an early `[DONE]`, in whatever form of an event stream, would end the answer unverified.
 */
export function chunksOfFrames(frames: string): readonly string[] | undefined {
  const documents = frames
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => CHUNK_FRAME.exec(frame)?.[1])
  return documents.every((document) => document !== undefined) ? documents : undefined
}

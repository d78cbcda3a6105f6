import { EngineError } from '../engine-error.ts'

/** A frame is no longer than this. */
const MAX_FRAME_CHARACTERS = 4 * 1024 * 1024

/**
 * The documents of an event stream, up to `[DONE]`, whatever the chunks it arrives in and whichever line ends it uses
 * (attack N6). Comments and other fields are skipped, as the format has it.
 *
 * @throws {EngineError} `ENGINE_FAILED` for a stream that ends without `[DONE]`, is no UTF-8, or whose frames are too long
 */
export async function* sseDocuments(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let data: string[] = []
  for await (const chunk of decoded(chunks, decoder)) {
    rest += chunk
    // A line end of two characters can be cut in between.
    const cut = rest.endsWith('\r') ? rest.length - 1 : rest.length
    const lines = rest.slice(0, cut).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + rest.slice(cut)
    for (const line of lines) {
      if (line === '') {
        const document = data.join('\n')
        data = []
        if (document === '[DONE]') return
        if (document !== '') yield document
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5))
      }
    }
    if (rest.length + data.join('').length > MAX_FRAME_CHARACTERS) throw failed('a frame too long')
  }
  throw failed('a stream without its end')
}

async function* decoded(
  chunks: AsyncIterable<Uint8Array>,
  decoder: TextDecoder,
): AsyncGenerator<string, void> {
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true })
  } catch {
    throw failed('a stream that broke off or is not UTF-8')
  }
}

function failed(what: string): EngineError {
  return new EngineError('ENGINE_FAILED', `upstream: ${what}`)
}

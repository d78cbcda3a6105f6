import { concatBytes } from '@jeju/verifier/protocol'

/**
 * A response with this body. What the body fails with is what `text()`, `json()` and the others reject with: left to
 * themselves, those of Chromium call every failure of a body "Failed to fetch".
 */
export function answerResponse(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  contentType: string,
): Response {
  const response = new Response(body, { headers: { 'content-type': contentType } })
  const bytes = async (): Promise<Uint8Array<ArrayBuffer>> => {
    if (response.bodyUsed) throw new TypeError('body: used already')
    const reader = body.getReader()
    const parts: Uint8Array[] = []
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return concatBytes(...parts)
      parts.push(value)
    }
  }
  const text = async (): Promise<string> => new TextDecoder().decode(await bytes())
  return Object.assign(response, {
    arrayBuffer: async () => (await bytes()).buffer,
    blob: async () => new Blob([await bytes()], { type: contentType }),
    bytes,
    json: async (): Promise<unknown> => JSON.parse(await text()),
    text,
  })
}

/**
 * An answer whose body fails with `error`. After an authorisation was sent a rejected fetch would not do: clients
 * take it for a lost connection, send the request again and pay again.
 */
export function failedAnswer(error: unknown, contentType: string): Response {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.error(error),
  })
  return answerResponse(body, contentType)
}

/**
 * An answer whose body fails with `error`. After an authorisation was sent a rejected fetch would not do: clients
 * take it for a lost connection, send the request again and pay again.
 */
export function failedAnswer(error: unknown, contentType: string): Response {
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(error) })
  return new Response(body, { headers: { 'content-type': contentType } })
}

/** The gateway did not answer, or with something that is not what was asked for. */
export class GatewayAnswerError extends Error {
  override readonly name = 'GatewayAnswerError'
}

const TIMEOUT_MS = 15_000

/** One JSON document of the gateway that serves this page. @throws GatewayAnswerError */
export async function getJson(path: string): Promise<unknown> {
  return JSON.parse(await getText(path))
}

/** One document of the gateway as text. @throws GatewayAnswerError */
export async function getText(path: string): Promise<string> {
  const response = await get(path, 'application/json')
  return response.text()
}

/** One document of the gateway, of whichever type. @throws GatewayAnswerError */
export async function get(path: string, accept: string, timeoutMs = TIMEOUT_MS): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      headers: { accept },
      credentials: 'omit',
      redirect: 'error',
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (cause) {
    throw new GatewayAnswerError(`${path}: ${cause instanceof Error ? cause.name : 'no answer'}`, {
      cause,
    })
  }
  if (!response.ok) {
    await response.body?.cancel()
    throw new GatewayAnswerError(`${path}: expected 200, got ${response.status}`)
  }
  return response
}

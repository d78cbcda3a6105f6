import { request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'

/**
 * The container's health check: exit code 0 while this node takes requests or waits to be registered, so that nobody
 * restarts it for waiting; 1 while it drains, or when it does not answer. The image has no shell and no curl.
 */
const TIMEOUT_MS = 2_500
const MAX_BODY_CHARACTERS = 64 * 1024
const HEALTHY: readonly unknown[] = ['starting', 'ok']

/** The node's health document. Within its own container nobody else can stand at this address. */
function health(port: string, secure: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: '/health',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }
    const send = secure
      ? requestSecure({ ...options, rejectUnauthorized: false })
      : requestPlain(options)
    send.on('error', reject)
    send.on('response', (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('error', reject)
      answer.on('data', (part: string) => {
        text += part
        if (text.length > MAX_BODY_CHARACTERS) answer.destroy(new Error('too large'))
      })
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(text)
        else reject(new Error(`status ${answer.statusCode}`))
      })
    })
    send.end()
  })
}

try {
  const text = await health(process.env['PORT'] ?? '8443', process.env['TLS'] === 'here')
  const { status } = JSON.parse(text) as { readonly status?: unknown }
  process.exitCode = HEALTHY.includes(status) ? 0 : 1
} catch {
  process.exitCode = 1
}

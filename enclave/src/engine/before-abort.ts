/** What `beforeAbort` gives when the signal came first. */
export const ABORTED: unique symbol = Symbol('aborted')

/** The result of the work, or {@link ABORTED} as soon as the signal is aborted; the work itself goes on. */
export async function beforeAbort<T>(
  signal: AbortSignal,
  start: () => Promise<T>,
): Promise<T | typeof ABORTED> {
  if (signal.aborted) return ABORTED
  const { promise, resolve } = onAbort(signal)
  try {
    return await Promise.race([start(), promise])
  } finally {
    signal.removeEventListener('abort', resolve)
  }
}

function onAbort(signal: AbortSignal): {
  promise: Promise<typeof ABORTED>
  resolve: () => void
} {
  let resolve = (): void => undefined
  const promise = new Promise<typeof ABORTED>((done) => {
    resolve = () => done(ABORTED)
  })
  signal.addEventListener('abort', resolve, { once: true })
  return { promise, resolve }
}

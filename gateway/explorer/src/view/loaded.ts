import { useEffect, useState } from 'preact/hooks'

/** Something that is fetched: not there yet, there, or why it will not be. */
export type Loaded<Value> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: Value }
  | { readonly state: 'failed'; readonly reason: string }

/** Loads once. */
export function useLoaded<Value>(load: () => Promise<Value>): Loaded<Value> {
  const [loaded, setLoaded] = useState<Loaded<Value>>({ state: 'loading' })
  useEffect(() => {
    load().then(
      (value) => setLoaded({ state: 'ready', value }),
      (error: unknown) => setLoaded({ state: 'failed', reason: reasonOf(error) }),
    )
  }, [load])
  return loaded
}

/** What is said of an error: its message, behind its code where it has one. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  return 'code' in error ? `${String(error.code)}: ${error.message}` : error.message
}

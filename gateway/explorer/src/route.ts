import { useEffect, useState } from 'preact/hooks'

/** Where the visitor is; it stands in the fragment, which no server sees. */
export type Route =
  | { readonly page: 'providers' }
  | { readonly page: 'provider'; readonly agentId: string }
  | { readonly page: 'receipt' }

/** Reads a fragment; what is no page is the first one. */
export function parseRoute(fragment: string): Route {
  const agentId = /^#\/providers\/(0|[1-9][0-9]{0,77})$/.exec(fragment)?.[1]
  if (agentId !== undefined) return { page: 'provider', agentId }
  return fragment === '#/receipt' ? { page: 'receipt' } : { page: 'providers' }
}

/** The current route, as it changes. */
export function useRoute(): Route {
  const [fragment, setFragment] = useState(location.hash)
  useEffect(() => {
    const follow = (): void => setFragment(location.hash)
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return parseRoute(fragment)
}

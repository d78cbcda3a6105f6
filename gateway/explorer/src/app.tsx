import type { JSX } from 'preact'
import { fetchSettings, type Settings } from './gateway/settings.ts'
import { ProviderPage } from './pages/provider-page.tsx'
import { ProvidersPage } from './pages/providers-page.tsx'
import { ReceiptPage } from './pages/receipt-page.tsx'
import { useRoute } from './route.ts'
import { useLoaded } from './view/loaded.ts'

/** The frame around every page: where one is, and by whose rules this page judges. */
export function App(): JSX.Element {
  const settings = useLoaded(fetchSettings)
  const route = useRoute()
  const links = [
    { page: 'providers', to: '#/', text: 'Providers' },
    { page: 'receipt', to: '#/receipt', text: 'Check a receipt' },
  ]
  return (
    <>
      <a class="skip" href="#content">
        To the content
      </a>
      <header>
        <strong>compute explorer</strong>
        <nav aria-label="Pages">
          {links.map(({ page, to, text }) => (
            <a key={to} href={to} aria-current={route.page === page ? 'page' : undefined}>
              {text}
            </a>
          ))}
        </nav>
      </header>
      <main id="content" tabIndex={-1}>
        {settings.state === 'loading' ? <p role="status">Loading …</p> : null}
        {settings.state === 'failed' ? (
          <p role="alert">The gateway does not say by what it judges: {settings.reason}</p>
        ) : null}
        {settings.state === 'ready' ? <Page settings={settings.value} /> : null}
      </main>
      <footer>
        Nothing here is believed because this page says so: verify with <code>jeju verify</code>{' '}
        from your own machine as well.
      </footer>
    </>
  )
}

function Page({ settings }: { readonly settings: Settings }): JSX.Element {
  const route = useRoute()
  return (
    <>
      {settings.trustAnchor.tier === 'simulated' ? (
        <p class="warning" role="note">
          Simulated trust root “{settings.trustAnchor.name}”: nothing on this network proves
          anything about real hardware.
        </p>
      ) : null}
      {route.page === 'providers' ? <ProvidersPage /> : null}
      {route.page === 'provider' ? (
        <ProviderPage key={route.agentId} agentId={route.agentId} settings={settings} />
      ) : null}
      {route.page === 'receipt' ? <ReceiptPage /> : null}
    </>
  )
}

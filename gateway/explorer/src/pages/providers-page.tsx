import type { JSX } from 'preact'
import { fetchProviders, type Provider } from '../gateway/providers.ts'
import { Bars, type Bar } from '../view/bars.tsx'
import { ether, milliseconds, share, tierName } from '../view/format.ts'
import { useLoaded } from '../view/loaded.ts'

/** Everybody the gateway knows, with what they claim and what the gateway made of it. */
export function ProvidersPage(): JSX.Element {
  const providers = useLoaded(fetchProviders)
  return (
    <>
      <h1>Providers</h1>
      <p>
        What follows is the gateway’s word. Open a provider and let <em>your own browser</em> ask it
        for a fresh quote and judge it.
      </p>
      {providers.state === 'loading' ? <p role="status">Loading …</p> : null}
      {providers.state === 'failed' ? <p role="alert">{providers.reason}</p> : null}
      {providers.state === 'ready' ? <Listed providers={providers.value} /> : null}
    </>
  )
}

function Listed({ providers }: { readonly providers: readonly Provider[] }): JSX.Element {
  if (providers.length === 0) return <p>Nobody is registered yet.</p>
  const latencies = providers.flatMap((provider) => latencyBar(provider))
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">Agent</th>
            <th scope="col">Models</th>
            <th scope="col">Tier</th>
            <th scope="col">Gateway’s verdict</th>
            <th scope="col">Admitted</th>
            <th scope="col">Ether per million tokens, at least</th>
          </tr>
        </thead>
        <tbody>
          {providers.map((provider) => (
            <Row key={provider.agentId} provider={provider} />
          ))}
        </tbody>
      </table>
      <Prices providers={providers} />
      {latencies.length === 0 ? null : (
        <Bars title="Time to the gateway’s last verdict on fresh evidence" bars={latencies} />
      )}
    </>
  )
}

function Row({ provider }: { readonly provider: Provider }): JSX.Element {
  const { agentId, services, lease, judgement, record } = provider
  const cheapest = services.toSorted((a, b) => comparePrices(a.inPerMTok, b.inPerMTok))[0]
  const outcome = judgement?.outcome ?? 'unjudged'
  return (
    <tr>
      <th scope="row">
        <a href={`#/providers/${agentId}`}>agent {agentId}</a>
      </th>
      <td data-label="Models">{services.map(({ model }) => model).join(', ') || 'none'}</td>
      <td data-label="Tier">
        <span class={`tier ${lease?.tier ?? 'none'}`}>
          {lease === null ? 'none' : tierName(lease.tier)}
        </span>
      </td>
      <td data-label="Gateway’s verdict" class={outcome}>
        {[outcome, ...(judgement?.reasons ?? []).map(checkOf)].join(' · ')}
      </td>
      <td data-label="Admitted">{share(record.admitted, record.judgements)}</td>
      <td data-label="Ether per million tokens">
        {cheapest === undefined
          ? '–'
          : `${ether(cheapest.inPerMTok)} in, ${ether(cheapest.outPerMTok)} out`}
      </td>
    </tr>
  )
}

/** One plot a model: what a million tokens out cost with each who serves it. */
function Prices({ providers }: { readonly providers: readonly Provider[] }): JSX.Element {
  const models = new Set(providers.flatMap(({ services }) => services.map(({ model }) => model)))
  return (
    <>
      {[...models].map((model) => (
        <Bars
          key={model}
          title={`${model}: ether per million tokens out`}
          bars={pricesOf(model, providers)}
        />
      ))}
    </>
  )
}

function pricesOf(model: string, providers: readonly Provider[]): readonly Bar[] {
  return providers.flatMap(({ agentId, services }) =>
    services
      .filter((service) => service.model === model)
      .map(({ serviceId, outPerMTok }) => ({
        label: `agent ${agentId} · ${serviceId}`,
        value: Number(outPerMTok),
        text: ether(outPerMTok),
      })),
  )
}

function latencyBar({ agentId, record }: Provider): readonly Bar[] {
  const last = record.judgementMs.at(-1)
  return last === undefined
    ? []
    : [{ label: `agent ${agentId}`, value: last, text: milliseconds(last) }]
}

/** The check that a reason names; its text stands on the provider's own page. */
function checkOf(reason: string): string {
  return reason.replace(/:.*/s, '')
}

function comparePrices(a: string, b: string): number {
  return Number(BigInt(a) - BigInt(b))
}

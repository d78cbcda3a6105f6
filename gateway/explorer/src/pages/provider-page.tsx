import type { Report } from '@jeju/verifier'
import type { JSX } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { fetchProviders, type Provider } from '../gateway/providers.ts'
import type { Settings } from '../gateway/settings.ts'
import { prove, type Proof, type Step } from '../proof/prove.ts'
import { ProofTree } from '../proof/proof-tree.tsx'
import { ether, milliseconds, shortened, tierName } from '../view/format.ts'
import { Line } from '../view/line.tsx'
import { reasonOf, useLoaded } from '../view/loaded.ts'

const STEPS: Readonly<Record<Step, string>> = {
  evidence: 'asking the node for a quote over our nonce …',
  collateral: 'fetching what Intel says of the platform …',
  verification: 'verifying …',
}

interface ProviderPageProps {
  readonly agentId: string
  readonly settings: Settings
}

/** One provider: its claims, and the proof that this browser makes itself. */
export function ProviderPage({ agentId, settings }: ProviderPageProps): JSX.Element {
  const load = useCallback(async () => {
    const found = (await fetchProviders()).find((provider) => provider.agentId === agentId)
    if (found === undefined) throw new Error(`the gateway knows no agent ${agentId}`)
    return found
  }, [agentId])
  const provider = useLoaded(load)
  return (
    <>
      <h1>Agent {agentId}</h1>
      {provider.state === 'loading' ? <p role="status">Loading …</p> : null}
      {provider.state === 'failed' ? <p role="alert">{provider.reason}</p> : null}
      {provider.state === 'ready' ? (
        <>
          <Claims provider={provider.value} />
          <OwnProof provider={provider.value} settings={settings} />
        </>
      ) : null}
    </>
  )
}

function Claims({ provider }: { readonly provider: Provider }): JSX.Element {
  const { owner, endpoint, services, record, registration } = provider
  return (
    <section aria-labelledby="claims">
      <h2 id="claims">What the chain and the gateway say</h2>
      <dl>
        {registration === null ? null : <Registered registration={registration} />}
        <div>
          <dt>owner</dt>
          <dd>
            <code>{owner}</code>
          </dd>
        </div>
        <div>
          <dt>endpoint</dt>
          <dd>
            <code>{endpoint}</code>
          </dd>
        </div>
        {services.map((service) => (
          <div key={service.serviceId}>
            <dt>{service.model}</dt>
            <dd>
              {ether(service.inPerMTok)} in, {ether(service.outPerMTok)} out (ether per million
              tokens), at most {service.maxOutputTokens} tokens out
            </dd>
          </div>
        ))}
      </dl>
      {record.judgementMs.length < 2 ? null : (
        <Line
          title="Time to the gateway’s verdicts on fresh evidence"
          samples={record.judgementMs}
        />
      )}
    </section>
  )
}

/** Advertising, and shown as that. */
function Registered({
  registration,
}: {
  readonly registration: NonNullable<Provider['registration']>
}): JSX.Element {
  if ('problem' in registration) {
    return (
      <div>
        <dt>registration file</dt>
        <dd>not taken: {registration.problem}</dd>
      </div>
    )
  }
  const { name, description } = registration
  return (
    <div>
      <dt>says of itself</dt>
      <dd>{[name, description].filter((text) => text !== '').join(' · ') || 'nothing'}</dd>
    </div>
  )
}

type Attempt =
  | { readonly state: 'running'; readonly step: Step }
  | { readonly state: 'judged'; readonly proof: Proof }
  | { readonly state: 'failed'; readonly reason: string }

function OwnProof({
  provider,
  settings,
}: {
  readonly provider: Provider
  readonly settings: Settings
}): JSX.Element {
  const [attempt, setAttempt] = useState<Attempt>({ state: 'running', step: 'evidence' })
  const start = useCallback(() => {
    setAttempt({ state: 'running', step: 'evidence' })
    prove(provider, settings, (step) => setAttempt({ state: 'running', step })).then(
      (proof) => setAttempt({ state: 'judged', proof }),
      (error: unknown) => setAttempt({ state: 'failed', reason: reasonOf(error) }),
    )
  }, [provider, settings])
  useEffect(start, [start])
  return (
    <section aria-labelledby="proof">
      <h2 id="proof">What your browser found</h2>
      <div role="status" aria-live="polite">
        {attempt.state === 'running' ? <p>{STEPS[attempt.step]}</p> : null}
        {attempt.state === 'failed' ? (
          <p class="verdict refused" data-verdict="unproven">
            Nothing is proven: {attempt.reason}
          </p>
        ) : null}
        {attempt.state === 'judged' ? <Verdict report={attempt.proof.report} /> : null}
      </div>
      {attempt.state === 'running' ? null : (
        <button type="button" onClick={start}>
          Ask again, with another nonce
        </button>
      )}
      {attempt.state === 'judged' ? <Judged proof={attempt.proof} settings={settings} /> : null}
    </section>
  )
}

function Verdict({ report }: { readonly report: Report }): JSX.Element {
  const { verdict } = report
  if (verdict.outcome === 'verified') {
    const kind = verdict.tier === 'simulated' ? 'simulated' : 'verified'
    return (
      <p class={`verdict ${kind}`} data-verdict="verified">
        Verified:{' '}
        {tierName(verdict.claims.gpu && verdict.tier === 'tdx' ? 'tdx_gpu' : verdict.tier)}
      </p>
    )
  }
  return (
    <p class="verdict refused" data-verdict="refused">
      Refused: {verdict.reasons.map(({ check }) => check).join(', ')}
    </p>
  )
}

function Judged({
  proof,
  settings,
}: {
  readonly proof: Proof
  readonly settings: Settings
}): JSX.Element {
  const { report, nonce, evidenceMs, verifyMs, evidence } = proof
  const link = useObjectUrl(evidence)
  return (
    <>
      <p class="facts">
        nonce <code title={nonce}>{shortened(nonce)}</code> · evidence after{' '}
        {milliseconds(evidenceMs)} · verified here in {milliseconds(verifyMs)} ·{' '}
        {evidence.length.toLocaleString('en')} bytes ·{' '}
        {link === undefined ? null : (
          <a href={link} download={`evidence-${nonce.slice(2, 10)}.cbor`}>
            keep the evidence
          </a>
        )}
      </p>
      <ProofTree
        checks={report.checks}
        {...(report.gpuChecks === undefined ? {} : { below: { 'gpu-evidence': report.gpuChecks } })}
      />
      <details>
        <summary>The policy it was judged by</summary>
        <pre>{settings.policyText}</pre>
      </details>
    </>
  )
}

/** An address for bytes that are kept in this page only. */
function useObjectUrl(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [bytes])
  return url
}

import { meaningOf, type Check } from '@jeju/verifier'
import type { ComponentChildren, JSX } from 'preact'

const MARKS = { passed: '✓', failed: '✗', skipped: '–' } as const

interface ProofTreeProps {
  readonly checks: readonly Check[]
  /** Checks behind one of them, by its name. */
  readonly below?: Readonly<Record<string, readonly Check[]>>
}

/** Every check, in the order in which it was made; what failed is open, and says what was expected and what came. */
export function ProofTree({ checks, below = {} }: ProofTreeProps): JSX.Element {
  return (
    <ul class="proof">
      {checks.map((check) => (
        <li key={check.name} class={`check ${check.status}`} data-check={check.name}>
          <details open={check.status === 'failed'}>
            <summary>
              <span class="mark" aria-hidden="true">
                {MARKS[check.status]}
              </span>
              <span class="name">{check.name}</span>
              <span class="visually-hidden"> {check.status}</span>
              <span class="meaning">{meaningOf(check.name)}</span>
            </summary>
            <Seen check={check} />
            {below[check.name] === undefined ? null : (
              <ProofTree checks={below[check.name] ?? []} />
            )}
          </details>
        </li>
      ))}
    </ul>
  )
}

function Seen({ check }: { readonly check: Check }): JSX.Element {
  switch (check.status) {
    case 'passed':
      return (
        <dl>
          {Object.entries(check.evidence).map(([name, value]) => (
            <Pair key={name} name={name}>
              <code>{asText(value)}</code>
            </Pair>
          ))}
        </dl>
      )
    case 'failed':
      return (
        <dl>
          <Pair name="expected">
            <code class="expected">{check.expected}</code>
          </Pair>
          <Pair name="actual">
            <code class="actual">{check.actual}</code>
          </Pair>
          {check.code === undefined ? null : (
            <Pair name="code">
              <code>{check.code}</code>
            </Pair>
          )}
        </dl>
      )
    case 'skipped':
      return <p>Not made: {check.because}.</p>
  }
}

function Pair(props: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  )
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(asText).join(', ')
  if (value === undefined || value === null) return 'none'
  const text = JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  )
  return text ?? 'none'
}

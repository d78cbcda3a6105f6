import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Figures of a gateway in Prometheus' text format: counts and times, never content or who asked. */
export interface Metrics {
  readonly contentType: string
  /** A prompt was answered, or refused with a status. */
  readonly exchanged: (path: string, outcome: string | number, ms: number) => void
  /** A candidate was given up, or asked again. */
  readonly retried: (reason: string) => void
  /** An answer was judged. */
  readonly judgedAnswer: (outcome: string) => void
  /** A provider was judged. */
  readonly judgedProvider: (outcome: string) => void
  text(): Promise<string>
}

/** What is read when somebody asks. */
export interface MetricGauges {
  readonly leases: () => number
  readonly providers: () => number
  readonly underWay: () => number
  readonly receiptsWaiting: () => number
}

/** Seconds. */
const DURATIONS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300]

/** Metrics of one gateway. The only file that knows the library; nothing of process or machine is stated. */
export function createMetrics(gauges: MetricGauges): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const prompts = new Counter({
    name: 'jeju_gateway_prompts_total',
    help: 'Prompts by path and what became of them: a verdict, or the status of a refusal.',
    labelNames: ['path', 'outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'jeju_gateway_prompt_seconds',
    help: 'Time until the last byte of an answer.',
    labelNames: ['path'],
    buckets: DURATIONS,
    registers,
  })
  const counter = (name: string, help: string, label: string): Counter =>
    new Counter({ name, help, labelNames: [label], registers })
  const retries = counter(
    'jeju_gateway_retries_total',
    'Candidates given up or asked again.',
    'reason',
  )
  const answers = counter('jeju_gateway_answers_judged_total', 'Answers by verdict.', 'outcome')
  const providers = counter(
    'jeju_gateway_admissions_total',
    'Evidence judged, by outcome.',
    'outcome',
  )
  gauge('jeju_gateway_leases', 'Leases in force.', gauges.leases, registers)
  gauge('jeju_gateway_providers', 'Providers that are followed.', gauges.providers, registers)
  gauge('jeju_gateway_prompts_under_way', 'Prompts under way.', gauges.underWay, registers)
  const waiting = 'Receipts that the ledger does not have yet.'
  gauge('jeju_gateway_receipts_waiting', waiting, gauges.receiptsWaiting, registers)
  return {
    contentType: registry.contentType,
    exchanged: (path, outcome, ms) => {
      prompts.inc({ path, outcome: String(outcome) })
      durations.observe({ path }, ms / 1000)
    },
    retried: (reason) => retries.inc({ reason }),
    judgedAnswer: (outcome) => answers.inc({ outcome }),
    judgedProvider: (outcome) => providers.inc({ outcome }),
    text: () => registry.metrics(),
  }
}

function gauge(name: string, help: string, read: () => number, registers: Registry[]): void {
  const one: Gauge = new Gauge({ name, help, registers, collect: () => one.set(read()) })
}

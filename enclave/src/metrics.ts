import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What an answer says of itself to the metrics: counts and times, never content or who asked. */
export interface AnswerMetrics {
  /** A request for an answer at this path was accepted; returns what to call with its first piece. */
  began(path: string): () => void
  concluded(
    path: string,
    end: { readonly inputTokens: number; readonly outputTokens: number; readonly finish: string },
  ): void
}

/** What settlement says of itself. */
export interface SettlementMetrics {
  /** A receipt was paid in a block that is no longer in doubt; wei. */
  settled(fee: bigint): void
  /** A voucher has brought so much in such a block. */
  voucherSettled(wei: bigint): void
  /** A stuck transaction was replaced. */
  replaced(): void
  /** The block of a settlement was taken back. */
  takenBack(): void
  /** A round failed. */
  failed(): void
  /** Wei that the node can pay gas from, and that its operator can claim. */
  funds(balance: bigint, claimable: bigint): void
}

/** What the log of receipts says of itself. */
export interface LogMetrics {
  /** Content was handed to the archive, read back from it, or neither. */
  archived(event: 'stored' | 'kept' | 'failed'): void
  /** Contents that are not in the archive yet. */
  archiveWaiting(count: number): void
  /** An epoch was sent, is in a block that is no longer in doubt, or could not be sent. */
  epoch(event: 'sent' | 'anchored' | 'failed'): void
  /** So many receipts were forgotten that no chain had taken. */
  receiptsGivenUp(count: number): void
  /** Closed epochs that are not anchored yet. */
  epochsWaiting(count: number): void
}

/** Figures of a node, in Prometheus' text format. The only file that knows the library. */
export interface Metrics extends AnswerMetrics, SettlementMetrics, LogMetrics {
  readonly contentType: string
  /** A request was answered, with an error too. */
  requested(path: string, status: number, ms: number): void
  text(): Promise<string>
}

const WEI_PER_GWEI = 1e9
/** Seconds. */
const DURATIONS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300]

/**
 * Metrics of one node. Paths that no route has share one label, since callers choose them. Nothing of the process or
 * the machine is stated (attack N8).
 */
export function createMetrics(
  paths: readonly string[],
  gauges: {
    readonly admitted: () => number
    readonly underWay: () => number
    readonly waiting: () => number
  },
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'jeju_requests_total',
    help: 'Requests answered, by path and HTTP status.',
    labelNames: ['path', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'jeju_request_seconds',
    help: 'Time until the headers of an answer.',
    labelNames: ['path'],
    buckets: DURATIONS,
    registers,
  })
  const firstPiece = new Histogram({
    name: 'jeju_first_piece_seconds',
    help: 'Time from the start of inference to the first piece of an answer.',
    labelNames: ['path'],
    buckets: DURATIONS,
    registers,
  })
  const tokens = new Counter({
    name: 'jeju_tokens_total',
    help: 'Tokens that receipts were signed for.',
    labelNames: ['path', 'direction'],
    registers,
  })
  const answers = new Counter({
    name: 'jeju_answers_total',
    help: 'Answers concluded with a receipt, by how they ended.',
    labelNames: ['path', 'finish'],
    registers,
  })
  gauge('jeju_answers_admitted', 'Answers that run or wait.', gauges.admitted, registers)
  gauge('jeju_requests_under_way', 'Requests for answers under way.', gauges.underWay, registers)
  gauge('jeju_receipts_waiting', 'Receipts that wait for settlement.', gauges.waiting, registers)
  const settled = new Counter({
    name: 'jeju_receipts_settled_total',
    help: 'Receipts paid in a block that is no longer in doubt.',
    registers,
  })
  const vouchers = new Counter({
    name: 'jeju_vouchers_settled_total',
    help: 'Vouchers paid in a block that is no longer in doubt.',
    registers,
  })
  const earned = new Counter({
    name: 'jeju_settled_gwei_total',
    help: 'What both were paid, in gwei.',
    registers,
  })
  const events = new Counter({
    name: 'jeju_settlement_events_total',
    help: 'Settlements that were replaced or taken back, and rounds that failed.',
    labelNames: ['event'],
    registers,
  })
  const funds = new Gauge({
    name: 'jeju_funds_gwei',
    help: 'What the node can pay gas from, and what its operator can claim.',
    labelNames: ['of'],
    registers,
  })
  const logEvents = new Counter({
    name: 'jeju_log_events_total',
    help: 'Contents handed to the archive and read back, epochs sent and anchored, what failed, receipts given up.',
    labelNames: ['of', 'event'],
    registers,
  })
  const logWaiting = new Gauge({
    name: 'jeju_log_waiting',
    help: 'Contents that wait for the archive, and epochs that wait to be anchored.',
    labelNames: ['of'],
    registers,
  })
  const known = new Set(paths)
  const label = (path: string): string => (known.has(path) ? path : 'other')
  return {
    contentType: registry.contentType,
    requested: (path, status, ms) => {
      requests.inc({ path: label(path), status: String(status) })
      durations.observe({ path: label(path) }, ms / 1000)
    },
    began: (path) => firstPiece.startTimer({ path: label(path) }),
    concluded: (path, { inputTokens, outputTokens, finish }) => {
      tokens.inc({ path: label(path), direction: 'in' }, inputTokens)
      tokens.inc({ path: label(path), direction: 'out' }, outputTokens)
      answers.inc({ path: label(path), finish })
    },
    settled: (fee) => {
      settled.inc()
      earned.inc(Number(fee) / WEI_PER_GWEI)
    },
    voucherSettled: (wei) => {
      vouchers.inc()
      earned.inc(Number(wei) / WEI_PER_GWEI)
    },
    replaced: () => events.inc({ event: 'replaced' }),
    takenBack: () => events.inc({ event: 'taken_back' }),
    failed: () => events.inc({ event: 'failed' }),
    funds: (balance, claimable) => {
      funds.set({ of: 'balance' }, Number(balance) / WEI_PER_GWEI)
      funds.set({ of: 'claimable' }, Number(claimable) / WEI_PER_GWEI)
    },
    archived: (event) => logEvents.inc({ of: 'archive', event }),
    archiveWaiting: (count) => logWaiting.set({ of: 'archive' }, count),
    epoch: (event) => logEvents.inc({ of: 'epoch', event }),
    receiptsGivenUp: (count) => logEvents.inc({ of: 'receipt', event: 'given_up' }, count),
    epochsWaiting: (count) => logWaiting.set({ of: 'epoch' }, count),
    text: () => registry.metrics(),
  }
}

function gauge(name: string, help: string, read: () => number, registers: Registry[]): void {
  const one: Gauge = new Gauge({ name, help, registers, collect: () => one.set(read()) })
}

import { concatBytes, randomBytes32 } from '@jeju/verifier/protocol'
import type { GuestAgent, PlatformQuote } from '../guest-agent/guest-agent.ts'
import type { Logger } from '../logging.ts'
import { createProofQueue, type ProofQueue, type ProofUse } from './proof-queue.ts'

/** The platform's quotes, of which it makes one at a time. */
export interface Quotes extends Pick<ProofQueue<PlatformQuote>, 'healthy' | 'watch'> {
  /**
   * A quote over these 64 bytes; the same bytes asked twice are one quote.
   * @throws NodeError `attestation_busy`, GuestAgentError
   */
  quote(reportData: Uint8Array, use: ProofUse): Promise<PlatformQuote>
}

/** Collaborators of {@link createQuotes}. */
export interface QuotesParts {
  readonly agent: GuestAgent
  readonly logger: Logger
  readonly now: () => Date
}

/** Quotes of the guest agent, through a queue. */
export function createQuotes({ agent, logger, now }: QuotesParts): Quotes {
  const queue = createProofQueue({
    make: (reportData) => agent.quote(reportData),
    // Bytes that mean nothing in any dialect, and leave this process with nobody.
    probe: () => concatBytes(randomBytes32(), randomBytes32()),
    texts: {
      failing: 'the platform makes no quotes',
      again: 'the platform makes quotes again',
    },
    logger,
    now,
  })
  return {
    quote: (reportData, use) => queue.ask(reportData, use),
    get healthy() {
      return queue.healthy
    },
    watch: (signal) => queue.watch(signal),
  }
}

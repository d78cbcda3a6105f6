/** A machine without TDX: guest agent, simulated Intel PKI, quotes and collateral. For demo, tests and bench only. */
export type { AgentGpuLies, AgentGpus, EvidenceItem } from './guest-agent/attest-gpu.ts'
export { serveGuestAgent, type GuestAgentServer } from './guest-agent/server.ts'
export { servePcs, type PcsOptions, type PcsServer } from './pcs/server.ts'
export type { Vintage } from './pki/collateral-documents.ts'
export {
  createSimulatedPlatform,
  type PlatformOptions,
  type SimulatedKms,
  type SimulatedPlatform,
} from './platform.ts'
export type { QuoteLies } from './quote/quoting-enclave.ts'
export { runtimeEvent, strippedLog, type LogEvent } from './td/event-log.ts'
export {
  launchTd,
  type LaunchOptions,
  type Profile,
  type SimulatedTd,
  type TdLies,
} from './td/simulated-td.ts'

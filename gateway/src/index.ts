/** The gateway; `main.ts` is the process. */
export { ConfigError, parseConfig, type Config, type Limits } from './config.ts'
export {
  createGateway,
  type Gateway,
  type GatewayParts,
  type GatewaySettings,
  type SponsorOwnParts,
} from './gateway.ts'
export { GATEWAY_ERRORS, type GatewayErrorCode } from './http/gateway-error.ts'

/**
 * Fetches Intel's collateral, and NVIDIA's reference values, certificate status and tokens: the only code of the verifier that asks anybody. Judging
 * them is a separate step.
 */
export {
  createCollateralClient,
  type CollateralClient,
  type CollateralClientOptions,
} from './collateral-client.ts'
export {
  createNrasClient,
  NVIDIA_NRAS_URL,
  type NrasClient,
  type NrasClientOptions,
} from './nras-client.ts'
export {
  createOcspClient,
  NVIDIA_OCSP_URL,
  type OcspClient,
  type OcspClientOptions,
} from './ocsp-client.ts'
export {
  createRimClient,
  NVIDIA_RIM_URL,
  type RimClient,
  type RimClientOptions,
} from './rim-client.ts'
export { collateralOrigins, INTEL_PCS_URL, type CollateralUpdate } from './service.ts'
export {
  COLLATERAL_FETCH_ERROR_CODES,
  CollateralFetchError,
  type CollateralFetchErrorCode,
} from './collateral-fetch-error.ts'
export {
  collateralRequestOf,
  type CollateralRequest,
  type CollateralSource,
} from '../collateral-request.ts'
export { encodeCollateral } from '../tdx/collateral/quote-collateral.ts'

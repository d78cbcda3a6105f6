/** Fetches Intel's collateral: the only code of the verifier that asks anybody. Judging it is a separate step. */
export {
  createCollateralClient,
  INTEL_PCS_URL,
  INTEL_ROOT_CRL_URL,
  type CollateralClient,
  type CollateralClientOptions,
  type CollateralRequest,
  type CollateralUpdate,
} from './collateral-client.ts'
export {
  COLLATERAL_FETCH_ERROR_CODES,
  CollateralFetchError,
  type CollateralFetchErrorCode,
} from './collateral-fetch-error.ts'

/** Why nothing was deployed, or what was deployed is not recorded. */
export type DeployErrorCode =
  'USAGE' | 'WRONG_CHAIN' | 'OWNER' | 'ROOT' | 'FORGE' | 'NOT_DEPLOYED' | 'RPC'

/** What stopped a deployment; the message says expected and actual. */
export class DeployError extends Error {
  override readonly name = 'DeployError'
  readonly code: DeployErrorCode

  constructor(code: DeployErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

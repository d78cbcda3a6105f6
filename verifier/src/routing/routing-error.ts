/** A preference that cannot be read. The message holds nothing of the body but the name of a member. */
export class RoutingError extends Error {
  override readonly name = 'RoutingError'
  /** The member, as a path: `provider.max_price.prompt`. */
  readonly param: string

  constructor(param: string, text: string) {
    super(`${param}: ${text}`)
    this.param = param
  }
}

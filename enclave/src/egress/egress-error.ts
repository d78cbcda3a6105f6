/** A connection to a place that the posture does not name. It was not made, and no name was looked up for it. */
export class EgressError extends Error {
  override readonly name = 'EgressError'
  readonly code = 'EGRESS_REFUSED'

  /** @param place what was to be connected to; never with a path or a query */
  constructor(place: string) {
    super(`egress: ${place.slice(0, 256)} is not a place this node connects to`)
  }
}

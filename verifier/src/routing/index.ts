/** Where a request may go: what clients and gateways read of it in the same way (docs/protocol.md §8). */
export { membersOf, type Member } from './body-members.ts'
export {
  inOrderOf,
  isNamedIn,
  objectionTo,
  objectionToPrice,
  type ServiceFacts,
} from './objection.ts'
export {
  isAtLeast,
  NO_PREFERENCES,
  parsePreferences,
  SERVICE_TIERS,
  type MaxPrice,
  type Preferences,
  type ProviderPreferences,
  type ServiceTier,
} from './preferences.ts'
export { RoutingError } from './routing-error.ts'
export { BODY_MEMBERS, takeRouting, type RoutedBody } from './take-routing.ts'
export { usedFeatures } from './used-features.ts'

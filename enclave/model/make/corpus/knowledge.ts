import type { Definition } from './definition.ts'
import { attestationDefinitions } from './definitions-attestation.ts'
import { generalDefinitions } from './definitions-general.ts'
import { modelDefinitions } from './definitions-models.ts'
import { networkDefinitions } from './definitions-network.ts'
import type { Question } from './question.ts'
import { networkQuestions } from './questions-network.ts'
import { nodeQuestions } from './questions-node.ts'
import { talkQuestions } from './questions-talk.ts'

/** All definitions; their order is part of what a seed gives. */
export const definitions: readonly Definition[] = [
  ...attestationDefinitions,
  ...networkDefinitions,
  ...modelDefinitions,
  ...generalDefinitions,
]

/** All free questions; their order is part of what a seed gives. */
export const questions: readonly Question[] = [
  ...nodeQuestions,
  ...networkQuestions,
  ...talkQuestions,
]

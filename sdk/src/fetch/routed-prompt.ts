import { decodeUtf8, utf8, type PromptPath } from '@jeju/verifier/protocol'
import {
  BODY_MEMBERS,
  NO_PREFERENCES,
  parsePreferences,
  RoutingError,
  takeRouting,
  usedFeatures,
} from '@jeju/verifier/routing'
import { SdkError } from '../errors/sdk-error.ts'
import { notAllowed } from '../session/preferred.ts'
import type { Wanted } from '../session/wanted.ts'
import { parseMembers, promptOf, type PromptRequest } from './prompt-request.ts'

/** A prompt, who may answer it, and what is sent to a node of each model. */
export interface RoutedPrompt extends Wanted {
  /** Its body is the caller's, byte by byte, but for members about routing and for the model's name. */
  forModel(model: string): PromptRequest
}

/**
 * Reads a body. What it says of routing is for this client and is taken out before anything is signed: a node refuses
 * it, and the gateway has no say in it. All else stays as it came, digits and order too.
 * @throws SdkError `REQUEST_INVALID` or, for sessions of a gateway, `NO_PROVIDER_ALLOWED`, with the member as `param`;
 *   messages hold no content
 */
export function routePrompt(body: Uint8Array<ArrayBuffer>, path: PromptPath): RoutedPrompt {
  const members = parseMembers(body)
  if (!BODY_MEMBERS.some((name) => members.has(name))) {
    const only = promptOf(members, body, path)
    return { models: [only.model], preferences: NO_PREFERENCES, forModel: () => only }
  }
  return reading(() => {
    const routed = takeRouting(decodeUtf8(body, 'body'))
    const { models: others = [], ...preferences } = parsePreferences(routed.stated, 'body')
    const { aci_session_ids, require_parameters } = preferences.provider ?? {}
    if (aci_session_ids !== undefined) {
      // Sessions are a gateway's own documents; what this client sends to it has verified itself.
      throw notAllowed('provider.aci_session_ids')
    }
    const stated = routed.namesModel ? members.get('model') : others[0]
    const first = promptOf(
      new Map(members).set('model', stated),
      utf8(routed.namesModel ? routed.own : routed.forModel(String(stated))),
      path,
    )
    const { model: named } = first
    return {
      models: [...new Set([named, ...others])],
      preferences:
        require_parameters === true
          ? { ...preferences, features: usedFeatures(path, Object.fromEntries(members)) }
          : preferences,
      forModel: (model) =>
        model === named ? first : { ...first, model, body: utf8(routed.forModel(model)) },
    }
  })
}

function reading<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RoutingError)) throw error
    const { message, param } = error
    throw new SdkError('REQUEST_INVALID', message, { param, cause: error })
  }
}

import type { Random } from '../random.ts'

/** Forms of asking for a definition; the common ones stand more than once. */
const DEFINITION_FORMS = [
  'What is {x}?',
  'What is {x}?',
  'What is {x}?',
  'Explain {x}.',
  'What does {x} mean?',
  'Tell me about {x}.',
  'Can you explain {x}?',
  'Please explain {x}.',
  'Define {x}.',
  'Describe {x}.',
  'What is {x} and why do I need it?',
  'What is {x} good for?',
  'Why do we need {x}?',
  'Could you tell me what {x} is?',
  'What do you know about {x}?',
  'How does {x} work?',
  'what is {x}',
  "What's {x}?",
  'explain {x}',
  'How would you explain {x}?',
  'I want to know what {x} is.',
  'Do you know what {x} is?',
  'Give me a short explanation of {x}.',
  '{X}?',
]
const OPENINGS = [
  'Please tell me: ',
  'Tell me, ',
  'Hey, ',
  'Hi, ',
  'One question: ',
  'So, ',
  'Ok, ',
]
const CLOSINGS = [' please', ', please', ' exactly?', ' in short?', ' and why?', ' here?']
const END_MARK = /[?.!]$/

/** The text with its first character in upper case. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Small changes of wording, so that an unseen phrasing still finds its answer. */
export function reword(random: Random, text: string): string {
  const changed = changeWording(random, text)
  if (!random.chance(0.03)) return changed
  const typo = random.integer(1, changed.length - 2)
  return changed.slice(0, typo) + changed.slice(typo + 1)
}

function changeWording(random: Random, text: string): string {
  const kind = random.fraction()
  if (kind < 0.12) return text.toLowerCase()
  if (kind < 0.2) return text.replace(END_MARK, '')
  if (kind < 0.26) return random.pick(OPENINGS) + uncapitalize(text)
  if (kind < 0.3) return text.replace(END_MARK, '') + random.pick(CLOSINGS)
  return text
}

/** Leaves names such as TDX as they are. */
function uncapitalize(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

/** Asks for the definition of one of these names. */
export function askDefinition(random: Random, names: readonly string[]): string {
  const name = random.pick(names)
  const form = random.pick(DEFINITION_FORMS)
  return reword(random, form.replace('{x}', name).replace('{X}', capitalize(name)))
}

/** The same, and who holds a node's keys. */
export { checkKeyCustody } from '../../../verifier/src/dstack/check-key-custody.ts'
export * from './entry-quotes.ts'

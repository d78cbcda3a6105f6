import { takeEnvironment, type Environment } from './environment.ts'

/** What this process was started with. Imported before everything else, so that no library reads of it what it likes. */
export const ownEnvironment: Environment = takeEnvironment(process.env)

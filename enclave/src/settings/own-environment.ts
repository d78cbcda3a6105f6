import { takeEnvironment } from './environment.ts'

/** What this process was started with. Imported before everything else, so that no library reads of it what it likes. */
export const ownEnvironment = takeEnvironment(process.env)

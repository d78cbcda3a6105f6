import { loadEmbeddedEngine } from '../../../enclave/src/engine/embedded-engine.ts'
import { embeddedModel } from '../../../enclave/src/engine/embedded-model.ts'
import { answer, user } from './run-engine.ts'

// A process of its own for quiet.test.ts: the only line on its standard output is the answer.
const engine = await loadEmbeddedEngine(embeddedModel)
const { text } = await answer(engine, { messages: user('What is 7 times 8?') })
await engine.close()
process.stdout.write(text)

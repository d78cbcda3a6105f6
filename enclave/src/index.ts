/** The node that runs inside a TD; `main.ts` is the process. */
export { loadEmbeddedEngine, type EmbeddedEngineOptions } from './engine/embedded-engine.ts'
export { embeddedModel, type PinnedModel } from './engine/embedded-model.ts'
export { ConfigError, parseConfig, type Config } from './config.ts'
export { HOST_SETTINGS } from './settings/host-settings.ts'
export { NODE_ERRORS, type NodeErrorCode } from './http/node-error.ts'
export { createNode, type Node, type NodeParts } from './node.ts'

/** The parts of the SDK that need Node. */
export { serveProxy, type ProxyOptions, type RunningProxy } from './proxy.ts'

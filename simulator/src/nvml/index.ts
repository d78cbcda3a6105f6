/** NVIDIA's management library of a machine that has none: a stub in C, and the driver behind it. */
export { compileNvmlStub, type StubOptions } from './compile-stub.ts'
export { serveDriver, type DriverFaults, type SimulatedDriver } from './driver.ts'

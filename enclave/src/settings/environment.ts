/** An environment as a process is started with. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What stays in this process's own environment. */
const KEPT = ['HOME', 'NODE_ENV', 'PATH']

/**
 * What the loader, the C library, OpenSSL and Node read before any code of ours runs: code to load, certificates to
 * trust, hosts to rename, contents to log. It cannot be taken back, so no node starts with it.
 */
const READ_BEFORE_US = [
  /^(LD|DYLD|MALLOC|NSS|OPENSSL|RESOLV|SSL|UV)_/,
  /^NODE_(?!(ENV|VERSION)$)/,
  /^(GCONV_PATH|GLIBC_TUNABLES|HOSTALIASES|LOCALDOMAIN|LOCPATH|RES_OPTIONS|SSLKEYLOGFILE)$/,
]

/** dstack's SDK would follow it to another socket. */
const SIMULATORS = /^(DSTACK|TAPPD)_SIMULATOR_ENDPOINT$/

/**
 * Takes the environment away from the process and returns it: whatever is loaded later, in JavaScript or not, is told
 * nothing by whoever wrote it.
 */
export function takeEnvironment(from: NodeJS.ProcessEnv): Environment {
  const taken = { ...from }
  for (const name of Object.keys(from)) if (!KEPT.includes(name)) delete from[name]
  return taken
}

/** What of an environment no node starts with. */
export function environmentProblems(environment: Environment): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (SIMULATORS.test(name)) return [`${name}: must not be set; the socket is DSTACK_SOCKET`]
    if (!READ_BEFORE_US.some((names) => names.test(name))) return []
    return [`${name.slice(0, 64)}: must not be set; it changes the runtime under the node`]
  })
}

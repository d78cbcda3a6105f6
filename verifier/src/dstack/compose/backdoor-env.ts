/**
 * Names through which a value replaces code or opens the guest: they are read by dstack's own scripts, docker, the
 * dynamic linker, shells and language runtimes (attack A6).
 */
const NAMES = new Set([
  'BASH_ENV',
  'ENV',
  'GCONV_PATH',
  'GLIBC_TUNABLES',
  'HOME',
  'IFS',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  'LOCPATH',
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'OPENSSL_CONF',
  'OPENSSL_ENGINES',
  'OPENSSL_MODULES',
  'PATH',
  'PERL5LIB',
  'PERL5OPT',
  'PS4',
  'RUBYLIB',
  'RUBYOPT',
  'SHELLOPTS',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
])
const PREFIXES = ['BASH_FUNC_', 'BUILDKIT_', 'COMPOSE_', 'DOCKER_', 'DSTACK_', 'LD_', 'PYTHON']
/** Any of these in a name: `ROOT_PASSWORD`, `SSH_AUTHORIZED_KEYS`, `https_proxy`. */
const PARTS = ['AUTHORIZED_KEY', 'ROOT_PASS', 'ROOT_PUBLIC_KEY', 'SSH_', '_PROXY']

/** Whether a variable of that name can replace code or open the guest. Case does not count. */
export function isBackdoorEnv(name: string): boolean {
  const upper = name.toUpperCase()
  return (
    NAMES.has(upper) ||
    PREFIXES.some((prefix) => upper.startsWith(prefix)) ||
    PARTS.some((part) => upper.includes(part))
  )
}

import type { CertificateFields, ExtensionFields, Forgery } from '@jeju/simulator/forge'

/** A place in the PCK chain. */
export type InChain = 'leaf' | 'intermediate' | 'root'

export const IN_CHAIN: readonly InChain[] = ['leaf', 'intermediate', 'root']

/** Changes fields of one certificate; those below it are signed by the same key as before. */
export function changed(
  name: InChain | 'signer',
  fields: (fields: CertificateFields) => Partial<CertificateFields>,
): Forgery {
  const change = { fields: (usual: CertificateFields) => ({ ...usual, ...fields(usual) }) }
  return { certificates: { [name]: change } }
}

/** Puts an extension in the place of the one with its OID, or behind all. */
export function withExtension(name: InChain | 'signer', extension: ExtensionFields): Forgery {
  return changed(name, ({ extensions }) => ({
    extensions: extensions.some(({ oid }) => oid === extension.oid)
      ? extensions.map((other) => (other.oid === extension.oid ? extension : other))
      : [...extensions, extension],
  }))
}

/** Leaves the extension with that OID out. */
export function withoutExtension(name: InChain | 'signer', oid: string): Forgery {
  return changed(name, ({ extensions }) => ({
    extensions: extensions.filter((extension) => extension.oid !== oid),
  }))
}

/** An extension that nobody knows. */
export const UNKNOWN_EXTENSION: ExtensionFields = {
  oid: '1.3.6.1.4.1.55555.1',
  critical: true,
  value: Uint8Array.of(0x05, 0x00),
}

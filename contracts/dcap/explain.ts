import type {
  collateralReaderAbi,
  gpuDevicesAbi,
  measurementPolicyAbi,
  tdxAttestationVerifierAbi,
  tdxVerifierAbi,
} from '../abi/index.ts'
import { authority, fault, hex, tcbStatus, tcbStatuses, text, time } from './words.ts'

/** A custom error as it was decoded: its name, and its arguments in the contract's order. */
export interface ContractRefusal {
  readonly error: string
  readonly args: readonly unknown[]
}

type ErrorsOf<Abi extends readonly unknown[]> =
  Extract<Abi[number], { readonly type: 'error' }> extends {
    readonly name: infer Name extends string
  }
    ? Name
    : never

/**
 * Every error of what judges TDX quotes, and of who holds which GPU; a new one does not compile before it has its words. Those
 * of whoever keeps the allow-list are not met here.
 */
type KnownError = Exclude<
  ErrorsOf<
    readonly [
      ...typeof tdxVerifierAbi,
      ...typeof tdxAttestationVerifierAbi,
      ...typeof collateralReaderAbi,
      ...typeof gpuDevicesAbi,
    ]
  >,
  ErrorsOf<typeof measurementPolicyAbi>
>

type Sentence = (...args: readonly unknown[]) => string

const seen =
  (place: string, write: (value: unknown) => string = hex): Sentence =>
  (expected, actual) =>
    `${place}: expected ${write(expected)}, got ${write(actual)}`
const within =
  (place: string): Sentence =>
  (from, until, now) =>
    `${place}: expected one in force at ${time(now)}, got one from ${time(from)} to ${time(until)}`
const form = (place: string, wanted: string): Sentence => {
  const sentence = `${place}: expected ${wanted}, got another`
  return () => sentence
}
const expired = (place: string, until: unknown, now: unknown): string =>
  Number(until) === 0
    ? `${place}: expected one that is in force at ${time(now)}, got none: nobody has brought it`
    : `${place}: expected one that is in force at ${time(now)}, got one that expired after ${time(until)}`

const SENTENCES: Readonly<Record<KnownError, Sentence>> = {
  // The quote.
  QuoteRefused: (number) => fault(number),
  QuoteUnsupported: (actual) =>
    `quote header: expected TDX, ECDSA P-256, version 4 or 5, got ${hex(actual)}`,
  QuoteTooShort: (min, actual) =>
    `quote: expected at least ${String(min)} bytes, got ${String(actual)}`,
  QuoteLength: (expected, actual) =>
    `quote: expected ${String(expected)} bytes (cut before the PCK chain), got ${String(actual)}`,
  QeVendorUnknown: (actual) => `quote header: expected Intel as QE vendor, got ${hex(actual)}`,
  BodyUnsupported: (actual) =>
    `quote body: expected a TD report of TDX 1.0 or 1.5, got type and size ${hex(actual)}`,
  CertificationUnsupported: (actual) =>
    `certification data: expected type 6, got ${String(actual)}`,
  AuthDataTooLong: (max, actual) =>
    `auth data: expected at most ${String(max)} bytes, got ${String(actual)}`,
  // The platform's key.
  PckUnknown: (key) =>
    `PCK certificate: expected one that was brought, got a key nobody brought (${String(key)})`,
  PckKeyRevoked: (key) =>
    `PCK certificate: expected a key that is not revoked, got the revoked key ${String(key)}`,
  PckCaRevoked: (ca) =>
    `PCK certificate: expected a CA that is not revoked, got the revoked ${authority(ca)}`,
  PckExpired: (until, now) => expired('PCK certificate', until, now),
  TooManyPcks: () => 'PCK certificate: expected room for one more key, got none',
  SerialTaken: (serial) =>
    `PCK certificate: expected one key for serial ${hex(serial)}, got a second one`,
  // Collateral that is there, or not.
  RevocationListExpired: (issuer, until, now) =>
    expired(`CRL of the ${authority(issuer)}`, until, now),
  RootListExpired: (until, now) => expired('CRL of the root', until, now),
  EvaluationNumbersExpired: (until, now) => expired('evaluation data numbers', until, now),
  QeIdentityExpired: (number, until, now) => expired(`QE identity ${String(number)}`, until, now),
  TcbInfoExpired: (fmspc, number, until, now) =>
    expired(`TCB info ${String(number)} of FMSPC ${String(fmspc)}`, until, now),
  CollateralSignerRevoked: () =>
    'collateral: expected a signer that is not revoked, got a revoked TCB signing key',
  // What it says of the platform.
  TcbRevoked: () => 'TCB: expected a level that is not revoked, got status Revoked',
  TcbNotSupported: () =>
    'TCB: expected a level that the platform reaches, got SVNs below all of them',
  QeTcbNotSupported: (svn) =>
    `quoting enclave: expected an ISVSVN that a level describes, got ${String(svn)}`,
  QeIdentityMismatch: seen('quoting enclave: identity hash'),
  AttestationKeyUnknown: (key) =>
    `attestation key: expected one that was brought with a whole quote of this platform, got ${String(key)}`,
  AttestationKeyStale: (expected, actual) =>
    `attestation key: expected the identity of the quoting enclave that it was brought under, ${hex(expected)}, got ${hex(actual)}: bring it again with a whole quote`,
  ModuleUnknown: (version) =>
    `TDX module: expected one that TCB info describes, got version ${String(version)}`,
  ModuleTcbNotSupported: (svn) =>
    `TDX module: expected an ISVSVN that a level describes, got ${String(svn)}`,
  ModuleMismatch: form('TDX module', 'the signer and attributes that TCB info names'),
  TcbStatusNotAllowed: (allowed, actual) =>
    `TCB status: expected ${tcbStatuses(allowed)}, got ${tcbStatus(actual)}`,
  // What the registry asks of evidence.
  EvidenceTooShort: (min, actual) =>
    `evidence: expected at least ${String(min)} bytes, got ${String(actual)}`,
  EvidenceFormat: seen('evidence format', String),
  UnknownPin: (pin) => `evidence: expected workload pin 0, 1 or 2, got ${String(pin)}`,
  BindingMismatch: seen('report data: binding', String),
  FreshnessMismatch: (expected, actual) =>
    `report data: expected ${String(expected)}, the registration over the named block as the chain has it, got ${String(actual)}: another block hash, number or GPU evidence, or no registration`,
  MeasurementNotListed: (key) =>
    `measurement: expected an entry of the allow-list, got none under ${String(key)}`,
  NoComposeHash: (config) =>
    `MRCONFIGID: expected version 1 with the compose hash, got ${String(config)}`,
  TdAttributesNotAllowed: (allowed, actual) =>
    `TD attributes: expected SEPT_VE_DISABLE and none beside ${hex(allowed)}, got ${hex(actual)}`,
  // Who holds which GPU.
  DeviceCount: (max, actual) => `devices: expected 1 to ${String(max)}, got ${String(actual)}`,
  DevicesNotAscending: (index) =>
    `devices: expected them ascending, each once, got another order at ${String(index)}`,
  DevicesMismatch: seen('devices: digest of the statement', String),
  BindingNotActive: (binding) =>
    `devices: expected a binding that is active, got ${String(binding)}`,
  NoGpuShown: (binding) =>
    `devices: expected a binding granted on evidence of GPUs, by software that is listed for them, got ${String(binding)}`,
  DeviceHeld: (device, holder, until) =>
    `device ${String(device)}: expected one that no other binding holds, got one of ${String(holder)}, which keeps it until ${time(until)} or longer`,
  ShownBeforeClaim: (device, claimed, shown) =>
    `device ${String(device)}: expected evidence of a block after ${String(claimed)}, in which another binding claimed it, got evidence of block ${String(shown)}`,
  ShownTooLongAgo: (shown, window, current) =>
    `devices: expected evidence of one of the last ${String(window)} blocks, which end with ${String(current)}, got evidence of block ${String(shown)}`,
  TooLittleGas: (min, actual) =>
    `devices: expected ${String(min)} gas left, or the verifier could not answer, got ${String(actual)}`,
  // Certificates and lists on their way in.
  RootMismatch: seen('root certificate: SHA-256', String),
  RootUnknown: () => 'root certificate: expected it to be brought first, got none',
  SimulatedRootRefused: (chain) => `root: expected Intel's on chain ${String(chain)}, got another`,
  UnknownIssuer: (name) => `issuer: expected a CA of Intel's SGX PKI, got ${text(name)}`,
  UnknownSubject: (name) => `subject: expected a name of Intel's SGX PKI, got ${text(name)}`,
  IssuerMismatch: seen('issuer name: hash', String),
  ConstraintsMismatch: seen('key usage or basic constraints'),
  CertificateNotValid: within('certificate'),
  SignatureInvalid: form('signature', "one by the issuer's key"),
  OlderCertificate: (latest, actual) =>
    `certificate: expected one from after ${time(latest)}, got one from ${time(actual)}`,
  TooManyEditions: (who) => `${authority(who)}: expected one of at most 8 keys, got another`,
  AuthorityIsRevoked: (serial) =>
    `certificate: expected one that is not revoked, got serial ${hex(serial)}`,
  AuthorityUnknown: (who) => `${authority(who)}: expected its certificate first, got none`,
  ListNotInForce: within('CRL'),
  OlderList: (latest, actual) =>
    `CRL: expected one made at ${time(latest)} or later, got one of ${time(actual)}`,
  // Documents on their way in.
  SignatureLength: (expected, actual) =>
    `document signature: expected ${String(expected)} bytes, got ${String(actual)}`,
  DocumentNotInForce: within('document'),
  OlderDocument: (latest, actual) =>
    `document: expected one issued at ${time(latest)} or later, got one of ${time(actual)}`,
  BlobNotStored: () => 'document: expected room to store it, got no gas for that',
  NoStandardNumber: () =>
    'evaluation data numbers: expected a recovery event that is a year old, got none',
  IdentityTwice: (version) =>
    `TDX module identities: expected each once, got ${hex(version)} twice`,
  VersionNotUpperCase: form('TDX module identity', 'upper-case digits'),
  BadDate: (actual) => `document: expected a date, got ${text(actual)}`,
  BadHex: (actual) => `document: expected hex digits, got ${text(actual)}`,
  BadNumber: (actual) => `document: expected a number, got ${text(actual)}`,
  NumberTooLarge: (max, actual) =>
    `document: expected a number up to ${String(max)}, got ${String(actual)}`,
  TooMany: (max) => `document: expected at most ${String(max)} entries, got more`,
  UnexpectedText: seen('document', text),
  UnknownStatus: (actual) => `document: expected a TCB status, got ${text(actual)}`,
  Unterminated: () => 'document: expected an end, got none',
  // DER and the SGX extension.
  TrailingBytes: seen('end', String),
  Overrun: (end, actual) => `DER: expected to end by byte ${String(end)}, got ${String(actual)}`,
  UnexpectedTag: seen('DER tag'),
  UnexpectedBytes: seen('DER'),
  BadLength: (first) => `DER length: expected the shortest form, got ${hex(first)}`,
  BadInteger: form('DER integer', 'the shortest positive form'),
  BadTime: form('DER time', 'a time in UTC'),
  BadName: form('name', 'one with one common name'),
  SerialTooLong: form('serial', 'at most 20 bytes'),
  EmptyEntries: form('CRL', 'entries, or no list of them'),
  ExtensionTwice: form('extension', 'each once'),
  ExtensionNotCritical: form('extension', 'critical constraints'),
  UnknownCriticalExtension: form('extension', 'critical ones that are known'),
  NoSgxExtension: () => 'PCK certificate: expected an SGX extension, got none',
  FieldMissing: (arc) => `SGX extension: expected field ${String(arc)}, got none`,
  FieldTwice: (arc) => `SGX extension: expected field ${String(arc)} once, got it twice`,
  UnexpectedField: seen('SGX extension: field', String),
  SvnTooLarge: (max, actual) =>
    `SGX extension: expected an SVN up to ${String(max)}, got ${String(actual)}`,
  CpuSvnDiffers: seen('SGX extension: CPUSVN'),
  PceIdUnknown: (actual) => `SGX extension: expected PCE-ID 0, got ${hex(actual)}`,
  // The chain itself.
  P256CallFailed: (backend) => `P-256: expected an answer of ${String(backend)}, got none`,
  P256SelfTestFailed: (backend) => `P-256: expected a verifier at ${String(backend)}, got none`,
  Sha256Failed: () => 'SHA-256: expected an answer of the precompile, got none',
}

/** What the registry itself may refuse; it has more, which are told by their names. */
const REGISTRY: Readonly<Record<string, Sentence>> = {
  BlockOutOfWindow: (block, current) =>
    `block: expected one of the latest before ${String(current)} that the chain remembers, got ${String(block)}`,
  BindingNotApproved: (binding) =>
    `approval: expected the owner's of binding ${String(binding)}, got none`,
  BindingNotGranted: (binding) =>
    `binding: expected one that was granted under the endpoint of now, got ${String(binding)}: attest it first`,
  BindingIsRevoked: (binding) =>
    `binding: expected one that is not revoked, got ${String(binding)}`,
  OperatorMismatch: seen('operator: owner of the agent', String),
  ProviderIsBarred: (agent) =>
    `provider: expected one that is not barred, got agent ${String(agent)}`,
  UnknownProvider: (agent) => `provider: expected a registered one, got agent ${String(agent)}`,
  UnknownVerifier: (index) => `verifier: expected one of the registry's list, got ${String(index)}`,
  WrongVerifierState: (index) =>
    `verifier ${String(index)}: expected one that the registry lists, got one that it does not`,
  SignatureExpired: (deadline) => `signature: expected a deadline to come, got ${time(deadline)}`,
  InvalidSignature: (signer) => `signature: expected one by ${String(signer)}, got another`,
  StaleAttestation: (latest, actual) =>
    `block: expected one after ${String(latest)}, which the last grant names, got ${String(actual)}`,
  ValidityOutOfRange: (until, max) =>
    `validity: expected an end to come, at most ${time(max)}, got ${time(until)}`,
}

/** Says a refusal in words: what was looked at, what was expected, what came. Public values only. */
export function explainRefusal({ error, args }: ContractRefusal): string {
  const known: Readonly<Record<string, Sentence>> = { ...REGISTRY, ...SENTENCES }
  const sentence = Object.hasOwn(known, error) ? known[error] : undefined
  return sentence === undefined ? `${error}(${args.map(String).join(', ')})` : sentence(...args)
}

import type { CaseArea } from '../forge-case.ts'
import { bundleForm } from './bundle-form.ts'
import { certificateDates } from './certificate-dates.ts'
import { certificateDer } from './certificate-der.ts'
import { certificateExtensions } from './certificate-extensions.ts'
import { certificateNames } from './certificate-names.ts'
import { collateralSigner } from './collateral-signer.ts'
import { convergence } from './convergence.ts'
import { crlForm } from './crl-form.ts'
import { documentDates } from './document-dates.ts'
import { documentText } from './document-text.ts'
import { pckChain } from './pck-chain.ts'
import { pckChainText } from './pck-chain-text.ts'
import { qeIdentityMembers } from './qe-identity.ts'
import { qeReport } from './qe-report.ts'
import { quoteHeader } from './quote-header.ts'
import { quoteLengths } from './quote-lengths.ts'
import { quoteSignatures } from './quote-signatures.ts'
import { relaunch } from './relaunch.ts'
import { revocation } from './revocation.ts'
import { sgxExtension } from './sgx-extension.ts'
import { tcbInfoMembers } from './tcb-info-members.ts'
import { tdReport } from './td-report.ts'
import { tdxModule } from './tdx-module.ts'
import { verificationTimes } from './times.ts'
import { twoIssuers } from './two-issuers.ts'

/** Every case, in the order of a verification. */
export const CASE_AREAS: readonly CaseArea[] = [
  quoteHeader,
  quoteLengths,
  tdReport,
  quoteSignatures,
  qeReport,
  pckChain,
  pckChainText,
  certificateDates,
  certificateExtensions,
  certificateNames,
  certificateDer,
  sgxExtension,
  crlForm,
  revocation,
  twoIssuers,
  collateralSigner,
  documentText,
  documentDates,
  tcbInfoMembers,
  qeIdentityMembers,
  tdxModule,
  convergence,
  relaunch,
  bundleForm,
  verificationTimes,
]

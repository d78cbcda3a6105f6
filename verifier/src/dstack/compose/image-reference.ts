const HOST_OR_PATH = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const REFERENCE = new RegExp(
  `^(?:[A-Za-z0-9.-]+(?::[0-9]{1,5})?/)?${HOST_OR_PATH}(?:/${HOST_OR_PATH})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?@sha256:[0-9a-f]{64}$`,
)
const MAX_REFERENCE_LENGTH = 512

/** Whether a text names an image by its digest (OCI distribution specification, "Pulling manifests"). */
export function isPinnedImage(reference: string): boolean {
  return reference.length <= MAX_REFERENCE_LENGTH && REFERENCE.test(reference)
}

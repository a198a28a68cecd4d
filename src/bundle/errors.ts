/**
 * Why a bundle does not load: `file` names the file at fault; `cause` holds the first error where there is one.
 */
export class BundleError extends Error {
  readonly code = 'BUNDLE_INVALID'
  override readonly name = 'BundleError'
  readonly directory: string
  readonly file: string
  readonly problem: string

  constructor(directory: string, file: string, problem: string, cause?: unknown) {
    super(`bundle ${directory}, ${file}: ${problem}`, { cause })
    this.directory = directory
    this.file = file
    this.problem = problem
  }
}

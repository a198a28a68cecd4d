/**
 * What is wrong with a model file, and where: `where` is a path into the document, e.g. `tree_info[7].tree_structure`.
 */
export class ModelFormatError extends Error {
  readonly code = 'MODEL_FORMAT_INVALID'
  override readonly name = 'ModelFormatError'
  readonly where: string

  constructor(where: string, problem: string) {
    super(`model file, ${where}: ${problem}`)
    this.where = where
  }
}

/**
 * What is wrong with a feature plan, and where: `path` points into the document, e.g. `columns[3].values`.
 */
export class FeaturePlanError extends Error {
  readonly code = 'FEATURE_PLAN_INVALID'
  override readonly name = 'FeaturePlanError'
  readonly path: string

  constructor(path: string, expected: string, actual: unknown) {
    super(`feature plan, ${path}: expected ${expected}, got ${describe(actual)}`)
    this.path = path
  }
}

function describe(value: unknown): string {
  const text = JSON.stringify(value)
  return text === undefined ? typeof value : text.length > 80 ? `${text.slice(0, 77)}…` : text
}

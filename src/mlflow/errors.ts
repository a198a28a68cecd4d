/**
 * Why a call to MLflow failed. `code` is the server's `error_code` (RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE …), or one of
 * ours, which begin with MLFLOW_ or INVALID_. `status` is the HTTP status where an answer came, else null. The message says which
 * call, what was expected and what came; it never holds credentials.
 */

/** Codes for what no server says. */
export type OwnCode =
  /** Not http(s)://host[:port][/prefix]. */
  | 'INVALID_TRACKING_URI'
  /** Characters that no header may hold. */
  | 'INVALID_CREDENTIALS'
  /** Not models:/name/version, models:/name@alias or models:/name/latest. */
  | 'INVALID_MODEL_URI'
  /** A path with '..' and the like. */
  | 'INVALID_ARTIFACT_PATH'
  /** Artifacts that the server does not pass on. */
  | 'INVALID_ARTIFACT_URI'
  /** The server's own code, where we refuse before sending what it would refuse. */
  | 'INVALID_PARAMETER_VALUE'
  | 'INVALID_STATE'
  | 'RESOURCE_DOES_NOT_EXIST'
  /** No connection, or it broke before an answer. */
  | 'MLFLOW_UNREACHABLE'
  | 'MLFLOW_TIMEOUT'
  /** Not MLflow's: HTML, no JSON, a redirect, another shape. */
  | 'MLFLOW_UNEXPECTED_ANSWER'
  | 'MLFLOW_ANSWER_TOO_LARGE'
  /** Fewer bytes than content-length says, or the connection broke inside the body. */
  | 'MLFLOW_TRUNCATED'
  /** The bytes to be sent could not be read, or are not as many as was said. */
  | 'MLFLOW_UPLOAD_FAILED'
  /** The server could not make the version ready. */
  | 'MLFLOW_REGISTRATION_FAILED'
  /** `close()` was called. */
  | 'MLFLOW_CLOSED'

export class MlflowError extends Error {
  override readonly name = 'MlflowError'
  readonly code: string
  readonly status: number | null

  constructor(code: string, message: string, details: { status?: number | null; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.status = details.status ?? null
  }

  /** As the constructor, for codes that no server says: a misspelt one does not compile. */
  static of(code: OwnCode, message: string, details: { status?: number | null; cause?: unknown } = {}) {
    return new MlflowError(code, message, details)
  }
}

export const hasCode = (error: unknown, code: string): error is MlflowError =>
  error instanceof MlflowError && error.code === code

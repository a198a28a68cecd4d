/**
 * Errors as MLflow's scoring server has them: `{error_code, message}`, with the codes that its clients know.
 */
import type { FailureForm } from '../plugins/failures.ts'

const CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'ENDPOINT_NOT_FOUND',
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
}

export const scoringFailure: FailureForm = ({ statusCode, message }) => ({
  error_code: CODES[statusCode] ?? 'BAD_REQUEST',
  message,
})

/**
 * Errors as the Open Inference Protocol has them: `{"error": text}`.
 */
import type { FailureForm } from '../plugins/failures.ts'

export const inferenceFailure: FailureForm = ({ message }) => ({ error: message })

/**
 * What undici throws, or an answer with an error in it → an MlflowError.
 */
import { MlflowError, type OwnCode } from './errors.ts'

/** undici's codes and Node's. What is not here broke the connection. */
const CODES: Readonly<Record<string, OwnCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'MLFLOW_TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'MLFLOW_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'MLFLOW_TIMEOUT',
  ETIMEDOUT: 'MLFLOW_TIMEOUT',
  UND_ERR_HEADERS_OVERFLOW: 'MLFLOW_UNEXPECTED_ANSWER',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'MLFLOW_ANSWER_TOO_LARGE',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'MLFLOW_UPLOAD_FAILED',
}
const SHOWN_CHARACTERS = 500

/** @param call the method and the URL, for the message */
export function faultBeforeAnswer(call: string, error: unknown): MlflowError {
  const { code = '', name, message } = error as NodeJS.ErrnoException
  const ours = CODES[code] ?? (name === 'HTTPParserError' ? 'MLFLOW_UNEXPECTED_ANSWER' : 'MLFLOW_UNREACHABLE')
  return MlflowError.of(ours, `${call}: expected an answer, got ${reasonOf(code, message)}`, { cause: error })
}

/** The headers had come. */
export function faultInBody(call: string, status: number, error: unknown): MlflowError {
  if (error instanceof MlflowError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  return MlflowError.of(
    CODES[code] ?? 'MLFLOW_TRUNCATED',
    `${call}: expected the rest of the answer's body, got ${reasonOf(code, message)}`,
    { status, cause: error },
  )
}

/**
 * @param body its beginning is enough
 * @param location where a redirect points to: it is not followed, since that would carry the credentials elsewhere
 */
export function faultOfAnswer(
  call: string,
  status: number,
  body: string,
  location: string | undefined,
): MlflowError {
  const { error_code: code, message } = jsonOf(body) as { error_code?: unknown; message?: unknown }
  if (typeof code === 'string' && code !== '')
    return new MlflowError(code, `${call}: expected success, got ${status} ${code}: ${shown(message)}`, {
      status,
    })
  const got = location === undefined ? shown(body) : `a redirect to ${shown(location)}`
  return MlflowError.of('MLFLOW_UNEXPECTED_ANSWER', `${call}: expected success, got ${status}: ${got}`, {
    status,
  })
}

/** A text of others, on one line and not too long. */
export function shown(text: unknown): string {
  const line = String(text ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line
}

function jsonOf(body: string): object {
  try {
    return Object(JSON.parse(body)) as object
  } catch {
    return {}
  }
}

const reasonOf = (code: string, message: string): string =>
  message && code && !message.includes(code) ? `${code}: ${message}` : message || code

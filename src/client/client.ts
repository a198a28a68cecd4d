/**
 * Day7 for TypeScript: calls with the types of openapi.yaml, a key, retries, and an Idempotency-Key for what is predicted, so that a
 * retry is answered with the first answer and logged once. Runs wherever there is `fetch`.
 *
 * An install is what the model in service takes. The type of that of the model that ships is here; `day7 client-type` writes that of
 * another.
 */
import createApi, { type Client } from 'openapi-fetch'
import type { components, operations, paths } from './api.ts'
import { Day7Error } from './errors.ts'
import { type Fetch, RETRIES, retrying, type RetryPolicy } from './retries.ts'

/** Of the model that ships. */
export type Install = components['schemas']['Install']
export type Outcome = components['schemas']['Outcome']
export type Prediction = Answer<'predict'>
/** Of a request in JSON; a stream's answers are lines. */
export type BatchPrediction = Extract<Answer<'batchPredict'>, { total_users: number }>
export type OutcomesAnswer = Answer<'recordOutcomes'>

export interface ClientOptions {
  /** Of the service, `https://host:port`; a path in front of the API's own is kept. */
  readonly url: string
  /** An API key or an access token; left out where the service asks for none. */
  readonly key?: string
  readonly retries?: Partial<RetryPolicy>
  /** For tests and proxies; left out: the platform's. */
  readonly fetch?: Fetch
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Left out: a new one for every call, and the same for its retries. */
  readonly idempotencyKey?: string
}

/**
 * Every call throws Day7Error if there is no answer, or one that is no success.
 * @typeParam Taken an install of the model in service
 */
export interface Day7Client<Taken extends object = Install> {
  predict(install: Taken, options?: CallOptions): Promise<Prediction>
  /** Each has either a prediction or an error of its own, in the order of `installs`. */
  predictBatch(installs: readonly Taken[], options?: CallOptions): Promise<BatchPrediction>
  /** Revenue that really came. May be repeated: the last one counts. */
  recordOutcomes(outcomes: readonly Outcome[], options?: CallOptions): Promise<OutcomesAnswer>
  /** All routes, with the same key and the same retries: `api.GET('/stats', …)`; an install is that of the model that ships. */
  readonly api: Client<paths>
}

export function createClient<Taken extends object = Install>({
  url,
  key,
  retries,
  fetch = globalThis.fetch,
}: ClientOptions): Day7Client<Taken> {
  const api = createApi<paths>({
    baseUrl: url.replace(/\/$/, ''),
    fetch: retrying({ ...RETRIES, ...retries }, fetch),
    ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }),
  })
  const init = ({ signal, idempotencyKey = crypto.randomUUID() }: CallOptions = {}) => ({
    headers: { 'idempotency-key': idempotencyKey },
    ...(signal && { signal }),
  })
  return {
    api,
    predict: async (install, options) =>
      answerOf(await api.POST('/predict', { body: install as unknown as Install, ...init(options) })),
    predictBatch: async (installs, options) =>
      // JSON is answered with JSON.
      answerOf(
        await api.POST('/batch_predict', { body: { users: [...installs] }, ...init(options) }),
      ) as BatchPrediction,
    recordOutcomes: async (outcomes, options) =>
      answerOf(
        // The document says "one, or a list" by a condition, which types cannot.
        await api.POST('/outcomes', { body: { outcomes: [...outcomes] } as never, ...init(options) }),
      ),
  }
}

type Answer<Operation extends keyof operations> = operations[Operation] extends {
  responses: { 200: { content: { 'application/json': infer Body } } }
}
  ? Body
  : never

interface Answered<Body> {
  readonly data?: Body
  readonly error?: unknown
  readonly response: Response
}

function answerOf<Body>({ data, error, response }: Answered<Body>): Body {
  if (response.ok) return data!
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Partial<Day7Error>
  throw new Day7Error(
    response.status,
    code ?? 'UNEXPECTED',
    message ?? `${response.url} answered ${response.status} ${response.statusText}`,
  )
}

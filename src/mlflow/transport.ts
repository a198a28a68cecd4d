/**
 * A call as data → the server's answer, or an MlflowError. A call that is safe to repeat is tried again after a fault that may pass,
 * with growing, jittered pauses, until the policy's limits. Refuses redirects; sends credentials to the tracking server only.
 */
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, type Dispatcher } from 'undici'
import type { Address } from './address.ts'
import { Answer } from './answer.ts'
import type { Endpoint } from './endpoints.ts'
import { MlflowError, type OwnCode } from './errors.ts'
import { faultBeforeAnswer } from './fault.ts'
import type { Fields } from './fields.ts'
import { delayBeforeMs, type RequestPolicy } from './policy.ts'

/** What is undefined is left out. */
export type Parameters = Readonly<Record<string, unknown>>

export interface Call {
  readonly endpoint: Endpoint
  /** Follows the endpoint's path; encoded, with its slash. */
  readonly below?: string
  /** Another server than the tracking server: it gets no credentials. */
  readonly origin?: string
  readonly parameters?: Parameters
  /** Bytes in place of the JSON of the parameters. */
  readonly content?: { readonly body: Buffer | Readable; readonly sizeBytes: number | null }
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** Faults that may pass. Statuses that may are the policy's. */
const PASSING_CODES: readonly string[] = [
  'MLFLOW_UNREACHABLE',
  'MLFLOW_TIMEOUT',
  'MLFLOW_TRUNCATED',
] satisfies OwnCode[]

/**
 * HTTP/1.1, as MLflow's own servers and its Python client speak it. gunicorn closes a connection that is idle for 2 s: what is not
 * repeatable must not meet one that is just being closed.
 */
const AGENT = { allowH2: false, keepAliveTimeout: 1_000, keepAliveMaxTimeout: 1_000 }

export class Transport {
  readonly policy: RequestPolicy
  readonly address: Address
  readonly #dispatcher: Dispatcher
  readonly #own: Agent | null
  readonly #closing = new AbortController()

  constructor(address: Address, policy: RequestPolicy, dispatcher: Dispatcher | null) {
    this.address = address
    this.policy = policy
    this.#own = dispatcher ? null : new Agent({ ...AGENT, connect: { timeout: policy.connectTimeoutMs } })
    this.#dispatcher = dispatcher ?? this.#own!
  }

  /** For calls that take and give JSON. */
  json(endpoint: Endpoint, parameters?: Parameters, signal?: AbortSignal): Promise<Fields> {
    const call = { endpoint, parameters: parameters ?? {}, signal }
    return this.run(call, (answer) => answer.json(this.policy.maxResponseBytes))
  }

  /**
   * @param read of an answer of success; is run again with the call when it fails
   * @throws MlflowError; the reason of `call.signal` when that is aborted
   */
  async run<T>(call: Call, read: (answer: Answer) => Promise<T>): Promise<T> {
    const { policy } = this
    const deadline = new AbortController()
    const timer = call.content
      ? undefined
      : setTimeout(() => deadline.abort(this.#late(call)), policy.totalTimeoutMs)
    const signal = AbortSignal.any(
      [this.#closing.signal, call.signal, deadline.signal].filter((each) => each !== undefined),
    )
    try {
      for (let repetition = 0; ; repetition++) {
        const outcome = await this.#attempt(call, signal, read)
        if (!('fault' in outcome)) return outcome.value
        if (!this.#mayPass(call.endpoint, outcome.fault) || repetition >= policy.retries) throw outcome.fault
        await pause(delayBeforeMs(policy, repetition, outcome.retryAfter), signal)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends all calls with MLFLOW_CLOSED. Leaves an injected dispatcher as it is. */
  async close(): Promise<void> {
    this.#closing.abort(MlflowError.of('MLFLOW_CLOSED', 'expected an open MLflow client, got a closed one'))
    await this.#own?.destroy()
  }

  /** @throws the signal's reason, and what is no MlflowError: neither passes */
  async #attempt<T>(
    call: Call,
    signal: AbortSignal,
    read: (answer: Answer) => Promise<T>,
  ): Promise<{ value: T } | { fault: MlflowError; retryAfter: string | null }> {
    signal.throwIfAborted()
    let answer: Answer | null = null
    try {
      answer = await this.#send(call, signal)
      if (answer.status < 300 || answer.status === 304) return { value: await read(answer) }
      return { fault: await answer.fault(), retryAfter: answer.header('retry-after') }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof MlflowError) return { fault: error, retryAfter: null }
      if (answer !== null) throw error
      return { fault: faultBeforeAnswer(this.#name(call), error), retryAfter: null }
    }
  }

  async #send(call: Call, signal: AbortSignal): Promise<Answer> {
    const { endpoint, content } = call
    const { policy, address } = this
    const isQuery = endpoint.method === 'GET'
    const data = await this.#dispatcher.request({
      origin: call.origin ?? address.origin,
      path: this.#pathOf(call),
      method: endpoint.method,
      headers: {
        'user-agent': 'day7',
        accept: '*/*',
        ...(address.authorization !== null && this.#isOurs(call) && { authorization: address.authorization }),
        ...(content && { 'content-type': 'application/octet-stream' }),
        ...(content && content.sizeBytes !== null && { 'content-length': String(content.sizeBytes) }),
        ...(!content && !isQuery && { 'content-type': 'application/json' }),
        ...call.headers,
      },
      body: content?.body ?? (isQuery ? null : JSON.stringify(call.parameters ?? {})),
      headersTimeout: policy.headersTimeoutMs,
      bodyTimeout: policy.bodyTimeoutMs,
      signal,
    })
    return new Answer(this.#name(call), data, signal, address.redact)
  }

  #mayPass({ repeatable, finalStatuses = [] }: Endpoint, { code, status }: MlflowError): boolean {
    if (!repeatable) return false
    if (PASSING_CODES.includes(code)) return true
    return status !== null && this.policy.retryStatuses.includes(status) && !finalStatuses.includes(status)
  }

  #isOurs(call: Call): boolean {
    return call.origin === undefined || call.origin === this.address.origin
  }

  #pathOf({ endpoint, below = '', parameters = {} }: Call): string {
    const query = endpoint.method === 'GET' ? queryOf(parameters) : ''
    return `${this.address.prefix}${endpoint.path}${below}${query}`
  }

  /** For messages. */
  #name(call: Call): string {
    return `MLflow ${call.endpoint.method} ${call.origin ?? this.address.origin}${this.#pathOf(call)}`
  }

  #late(call: Call): MlflowError {
    return MlflowError.of(
      'MLFLOW_TIMEOUT',
      `${this.#name(call)}: expected an answer within ${this.policy.totalTimeoutMs} ms, got none`,
    )
  }
}

/** Repeated fields are repeated keys. */
function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(parameters))
    for (const each of Array.isArray(value) ? value : [value])
      if (each !== undefined) query.append(key, String(each))
  return query.size === 0 ? '' : `?${query}`
}

/** @throws the signal's reason */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
  signal.throwIfAborted()
}

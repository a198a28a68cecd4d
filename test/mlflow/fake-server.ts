/**
 * A server on the loopback interface that answers as it is told and remembers what it was asked.
 */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { createMlflowClient, type MlflowClientOptions, type MlflowError } from '../../src/mlflow/index.ts'

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly atMs: number
}

export type Reply =
  | {
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
      /** An object is sent as JSON, a text as it is. */
      readonly body?: object | string
    }
  | ((request: IncomingMessage, response: ServerResponse, asked: Asked) => void)

export interface FakeServer {
  readonly url: string
  readonly asked: Asked[]
}

export const FAST = { firstDelayMs: 1, greatestDelayMs: 20, jitter: 0, retries: 3 }

/** @param replies one for each request; the last one is for all that follow */
export async function fakeServer(t: Test, ...replies: readonly Reply[]): Promise<FakeServer> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const seen = { method, url, headers, body: '', atMs: performance.now() }
    const reply = replies[Math.min(asked.push(seen), replies.length) - 1] ?? {}
    try {
      for await (const chunk of request) seen.body += String(chunk)
    } catch {
      return // it broke off
    }
    if (typeof reply === 'function') return reply(request, response, seen)
    const { status = 200, headers: more, body = {} } = reply
    response.writeHead(status, {
      'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
      ...more,
    })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked }
}

/** A client that waits little and is closed when the test ends. */
export function clientOf(t: Test, trackingUri: string, options: Partial<MlflowClientOptions> = {}) {
  const client = createMlflowClient({ trackingUri, ...options, policy: { ...FAST, ...options.policy } })
  t.teardown(() => client.close())
  return client
}

export const serverError = (error_code: string, message = 'no'): object => ({ error_code, message })

/** What the promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<MlflowError> {
  try {
    await promise
  } catch (error) {
    return error as MlflowError
  }
  throw new Error('expected a failure')
}

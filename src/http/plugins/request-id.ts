/**
 * Every request has an id: the caller's `X-Request-Id`, or the trace id of his W3C `traceparent`, or else one that is made here. It stands in
 * the log, in the answer's `x-request-id`, and is never taken as it came where it is not plain text of a modest length.
 */
import type { IncomingMessage } from 'node:http'

const WELL_FORMED_ID = /^[\w.:/=+@-]{1,128}$/
/** https://www.w3.org/TR/trace-context/#traceparent-header; version ff, and ids of zeros alone, are invalid. */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})(?<traceId>[\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-.*)?$/

/** @param process what ids that are made here begin with; no other process has it */
export function requestIds(process: string): (request: IncomingMessage) => string {
  let made = 0
  return ({ headers }) => {
    const given = headers['x-request-id']
    if (typeof given === 'string' && WELL_FORMED_ID.test(given)) return given
    return traceIdOf(headers['traceparent']) ?? `${process}-${(++made).toString(36)}`
  }
}

/** @returns null for what is no traceparent */
export function traceIdOf(traceparent: string | string[] | undefined): string | null {
  if (typeof traceparent !== 'string') return null
  return TRACEPARENT.exec(traceparent)?.groups!['traceId'] ?? null
}

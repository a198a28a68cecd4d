/**
 * The headers of a request → the one key or token that it shows. `Authorization: Bearer …` or `X-API-Key: …`; both only if they are
 * the same. What stands in the address is refused: addresses are kept in logs and histories.
 */
import type { IncomingMessage } from 'node:http'
import { AccessRefused, LOOKS_LIKE_KEY } from '../../access/index.ts'

/** Headers that hold secrets. */
const SECRET_HEADERS = ['authorization', 'x-api-key', 'proxy-authorization', 'cookie']

/** What no line of a log may show where headers are logged. Whole paths: pino takes ten times as long for those with a wildcard. */
export const SECRET_PATHS = SECRET_HEADERS.flatMap((name) =>
  ['headers', 'req.headers'].map((place) => `${place}["${name}"]`),
)

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i
const IN_QUERY = /(?:^|&)(?:x-)?(?:api[-_]?key|access[-_]?token|auth|authorization|bearer|key|token)=/i

const LOOKS_LIKE_TOKEN = /=eyJ[\w-]+\.[\w-]+\./

/** @throws AccessRefused if there is none, or more than one */
export function credentialOf({ headers, rawHeaders, url = '' }: IncomingMessage): string {
  refuseInUrl(url)
  const { authorization, 'x-api-key': apiKey } = headers
  if (authorization === undefined && apiKey === undefined)
    throw new AccessRefused('CREDENTIALS_MISSING', `${EXPECTED}, got neither`)
  if (timesIn(rawHeaders, 'authorization') > 1 || timesIn(rawHeaders, 'x-api-key') > 1)
    throw new AccessRefused('CREDENTIALS_AMBIGUOUS', `${EXPECTED}, got one of them twice`)
  const bearer = authorization === undefined ? undefined : bearerOf(authorization)
  if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey)
    throw new AccessRefused('CREDENTIALS_AMBIGUOUS', `${EXPECTED}, got both, and they differ`)
  return bearer ?? String(apiKey)
}

const EXPECTED = 'expected the header Authorization: Bearer <key or token>, or X-API-Key: <key>'

function bearerOf(authorization: string): string {
  const match = BEARER.exec(authorization)
  if (match) return match[1]!
  const [scheme = ''] = authorization.split(' ', 1)
  const got = /^bearer$/i.test(scheme)
    ? 'Bearer without one, or with characters that none has'
    : 'another scheme'
  throw new AccessRefused('CREDENTIALS_INVALID', `${EXPECTED}, got ${got}`)
}

function refuseInUrl(url: string): void {
  const at = url.indexOf('?')
  if (at < 0) return
  const query = url.slice(at + 1)
  if (IN_QUERY.test(query) || LOOKS_LIKE_KEY.test(query) || LOOKS_LIKE_TOKEN.test(query))
    throw new AccessRefused(
      'CREDENTIALS_IN_URL',
      'a key or token in the address ends up in logs: send it in the header Authorization or X-API-Key, and replace it by a new one',
    )
}

/** Node passes on only the first of some headers; a proxy may have looked at another one. */
function timesIn(rawHeaders: readonly string[], name: string): number {
  let times = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = rawHeaders[at]!
    if (header.length === name.length && header.toLowerCase() === name) times++
  }
  return times
}

/**
 * Tracking URI and credentials → the origin and prefix of every request, the Authorization header, and how to take the credentials
 * out of a text. Refuses what is not http(s)://host[:port][/prefix], and credentials that no header can hold.
 */
import { MlflowError } from './errors.ts'

/** A token wins over a name and password. */
export type Credentials =
  { readonly username: string; readonly password: string } | { readonly token: string }

export interface Address {
  /** `http://host:port`, without credentials. */
  readonly origin: string
  /** '' or '/prefix'. */
  readonly prefix: string
  readonly authorization: string | null
  /** The text with every trace of the credentials blotted out: what a server or a proxy says may repeat them. */
  redact(text: string): string
}

/**
 * @param auth null: what stands before the host in the URI, if anything
 * @throws MlflowError INVALID_TRACKING_URI, INVALID_CREDENTIALS
 */
export function addressOf(trackingUri: string, auth: Credentials | null): Address {
  const url = URL.parse(trackingUri)
  const shown = hideUserInfo(trackingUri)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '')
    throw MlflowError.of(
      'INVALID_TRACKING_URI',
      `expected the tracking URI to be http(s)://host[:port][/prefix], got "${shown}"`,
    )
  const credentials = auth ?? userInfoOf(url, shown)
  const secrets = credentials === null ? [] : secretsOf(credentials)
  return {
    origin: url.origin,
    prefix: url.pathname.replace(/\/+$/, ''),
    authorization: credentials === null ? null : authorizationOf(credentials),
    redact: (text) => secrets.reduce((text, secret) => text.replaceAll(secret, '***'), text),
  }
}

function authorizationOf(credentials: Credentials): string {
  if ('token' in credentials) {
    if (!/^[\x21-\x7e]+$/.test(credentials.token))
      throw MlflowError.of(
        'INVALID_CREDENTIALS',
        'expected the token to be visible ASCII, got other characters',
      )
    return `Bearer ${credentials.token}`
  }
  // RFC 7617: the name ends at the first colon.
  if (/[:\p{Cc}]/u.test(credentials.username) || /\p{Cc}/u.test(credentials.password))
    throw MlflowError.of(
      'INVALID_CREDENTIALS',
      'expected a user name without colon, and both it and the password without control characters',
    )
  return `Basic ${base64Of(credentials)}`
}

function secretsOf(credentials: Credentials): string[] {
  if ('token' in credentials) return [credentials.token]
  const { password } = credentials
  return [base64Of(credentials), encodeURIComponent(password), password].filter((secret) => secret !== '')
}

const base64Of = ({ username, password }: { username: string; password: string }): string =>
  Buffer.from(`${username}:${password}`).toString('base64')

function userInfoOf(url: URL, shown: string): Credentials | null {
  if (url.username === '' && url.password === '') return null
  try {
    return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
  } catch {
    throw MlflowError.of(
      'INVALID_TRACKING_URI',
      `expected percent-encoded credentials in the tracking URI, got others: "${shown}"`,
    )
  }
}

/** Also of what is no URL: all before the last @ may be a secret, and so may a query. */
const hideUserInfo = (uri: string): string => uri.replace(/^.*@/s, '***@').replace(/[?#].*$/s, '?***')

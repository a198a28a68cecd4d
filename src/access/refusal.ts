/**
 * Why a credential is not taken, in words for the one who sent it. Says more than "no" only to those who had the secret.
 */
const STATUS = {
  /** Neither a key nor a token came. */
  CREDENTIALS_MISSING: 401,
  /** What came is no key and no token, or came in a way that is not taken. */
  CREDENTIALS_INVALID: 401,
  /** More than one came. */
  CREDENTIALS_AMBIGUOUS: 400,
  /** A key or token in the address, where logs keep it. */
  CREDENTIALS_IN_URL: 400,
  KEY_UNKNOWN: 401,
  KEY_EXPIRED: 401,
  KEY_REVOKED: 401,
  TOKEN_INVALID: 401,
  TOKEN_EXPIRED: 401,
  /** It may be good, but for something else. */
  INSUFFICIENT_SCOPE: 403,
  /** It can be neither taken nor refused now. */
  ACCESS_UNAVAILABLE: 503,
} as const satisfies Record<string, 400 | 401 | 403 | 503>

export type RefusalCode = keyof typeof STATUS

export class AccessRefused extends Error {
  override readonly name = 'AccessRefused'
  readonly code: RefusalCode
  readonly statusCode: (typeof STATUS)[RefusalCode]

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.statusCode = STATUS[code]
  }
}

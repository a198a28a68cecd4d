/**
 * Who may ask the service: keys, and tokens of an OIDC issuer.
 */
import { isTrustworthy } from '../access/index.ts'
import type { Reader, Setting } from './setting.ts'

export interface AccessConfig {
  /** `auto`: on where keys or an issuer are set, or others than this machine can reach the service; else from the first key on. */
  readonly auth: 'auto' | 'on' | 'off'
  /** Null: keys are in the table `api_keys`, or where there is no server for it in a file under `dataDir`. */
  readonly apiKeysFile: string | null
  /** Null: tokens are not taken. */
  readonly oidc: OidcConfig | null
  readonly metricsAuth: boolean
}

export interface OidcConfig {
  readonly issuer: string
  readonly audience: string
  /** Null: the issuer's discovery document says. */
  readonly jwksUri: string | null
  readonly scopeClaim: string
  readonly scopePrefix: string
}

export const ACCESS_SETTINGS = [
  {
    name: 'AUTH',
    default: 'auto',
    description:
      'Whether callers need a key or token. `auto`: if `API_KEYS_FILE` or `OIDC_ISSUER` is set, if `HOST` is not this machine alone, or as soon as there is a key. `on`: yes. `off`: no.',
  },
  {
    name: 'API_KEYS_FILE',
    default: '',
    description:
      'File of the API keys. Empty: they are in the table `api_keys` of `DATABASE_URL`, or without a server in `DATA_DIR/api-keys.json`.',
  },
  {
    name: 'OIDC_ISSUER',
    default: '',
    description:
      'Issuer whose OAuth 2 access tokens are taken, `https://…`, exactly as their claim `iss` has it. Empty: none.',
  },
  { name: 'OIDC_AUDIENCE', default: '', description: 'The claim `aud` that tokens must have: this service.' },
  {
    name: 'OIDC_JWKS_URI',
    default: '',
    description: 'Where the issuer’s keys are. Empty: where its discovery document says.',
  },
  {
    name: 'OIDC_SCOPE_CLAIM',
    default: 'scope',
    description:
      'The claim with a token’s scopes: a text with spaces, or an array; `a.b` is the claim `b` inside `a`.',
  },
  {
    name: 'OIDC_SCOPE_PREFIX',
    default: '',
    description: 'Stands before each scope in a token, as `day7:` in `day7:predict`; others are passed over.',
  },
  {
    name: 'METRICS_AUTH',
    default: 'off',
    description: '`on`: `/metrics` needs the scope `read`, where callers need a key. `off`: it is open.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof ACCESS_SETTINGS)[number]['name']

export function readAccess(read: Reader<Name>): AccessConfig {
  return {
    auth: read.oneOf('AUTH', ['auto', 'on', 'off']),
    apiKeysFile: read.text('API_KEYS_FILE') || null,
    oidc: oidc(read),
    metricsAuth: read.oneOf('METRICS_AUTH', ['on', 'off']) === 'on',
  }
}

function oidc(read: Reader<Name>): OidcConfig | null {
  const [issuer, audience, jwksUri] = [
    read.text('OIDC_ISSUER'),
    read.text('OIDC_AUDIENCE'),
    read.text('OIDC_JWKS_URI'),
  ]
  if (issuer === '') {
    if (audience !== '' || jwksUri !== '')
      read.fault('OIDC_ISSUER', 'expected https://… with OIDC_AUDIENCE or OIDC_JWKS_URI, got nothing')
    return null
  }
  const expected = 'expected https://…, or http:// on this machine'
  if (!isTrustworthy(issuer)) read.fault('OIDC_ISSUER', `${expected}, got "${issuer}"`)
  if (jwksUri !== '' && !isTrustworthy(jwksUri)) read.fault('OIDC_JWKS_URI', `${expected}, got "${jwksUri}"`)
  if (audience === '')
    read.fault(
      'OIDC_AUDIENCE',
      'expected a name with OIDC_ISSUER: its tokens for others are not for this service',
    )
  return {
    issuer,
    audience,
    jwksUri: jwksUri || null,
    scopeClaim: read.text('OIDC_SCOPE_CLAIM'),
    scopePrefix: read.text('OIDC_SCOPE_PREFIX'),
  }
}

/** Where the keys of a service with these settings are. */
export function keyPlaceOf({
  apiKeysFile,
  database,
  dataDir,
}: {
  readonly apiKeysFile: string | null
  readonly database: { readonly url: string } | 'embedded' | 'off'
  readonly dataDir: string
}): { readonly file: string } | { readonly url: string } {
  if (apiKeysFile !== null) return { file: apiKeysFile }
  return typeof database === 'object' ? database : { file: `${dataDir}/api-keys.json` }
}

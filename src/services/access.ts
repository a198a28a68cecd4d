/**
 * A Config → who may ask the service: what reads the keys and the issuer, or nothing of it.
 *
 * @throws ConfigError where the service would listen to others than this machine and could not tell one caller from another, and nobody
 * has said `AUTH=off`
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  Access,
  type AccessControl,
  IssuerKeys,
  KeyFile,
  KeyFollower,
  type KeyStore,
  Tokens,
  withoutAccess,
} from '../access/index.ts'
import { type Config, ConfigError, keyPlaceOf, type OidcConfig } from '../config/index.ts'
import type { LogLogger } from '../prediction-log/index.ts'

/** That a new or revoked key takes to be known in all processes. */
const KEY_POLL_MS = 2_000
/** A database that is away does not hold up the start for longer. */
const FIRST_POLL_MS = 3_000

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/

export async function openAccess(
  config: Config,
  listKeys: KeyStore['list'],
  now: () => Date,
  logger: LogLogger,
): Promise<AccessControl> {
  const { auth, host, oidc, apiKeysFile } = config
  const isLocal = LOOPBACK.test(host)
  if (auth === 'off') {
    if (!isLocal || oidc || apiKeysFile !== null)
      logger.warn(
        { host },
        'access: AUTH=off, so whoever reaches this service may use it; keys have no effect',
      )
    return withoutAccess()
  }
  const mode = auth === 'on' || oidc || apiKeysFile !== null || !isLocal ? 'on' : 'auto'
  const keys = followerOf(config, listKeys, logger)
  const issuer = oidc && issuerOf(oidc, logger)
  const access = new Access({ mode, keys, issuer, guardsMetrics: config.metricsAuth, now })
  await Promise.race([access.open(), delay(FIRST_POLL_MS, undefined, { ref: false })])
  try {
    refuseFaults(config, keys, mode)
    await warnOfWriters(config, logger)
  } catch (error) {
    access.close()
    throw error
  }
  if (access.isEnforced())
    logger.info({ issuer: oidc?.issuer ?? null }, 'access: callers need a key or a token')
  else logger.info({ host }, 'access: open to this machine until there is a key (AUTH=on demands one now)')
  return access
}

async function warnOfWriters(config: Config, logger: LogLogger): Promise<void> {
  const place = keyPlaceOf(config)
  if ('file' in place && (await fileAt(place.file, config).isOpenToOthers()))
    logger.warn(
      { place: place.file },
      'access: others than its owner may write to this file, and so add keys',
    )
}

function fileAt(path: string, { apiKeysFile }: Config): KeyFile {
  return new KeyFile(path, { isRequired: apiKeysFile !== null })
}

/** A fault of a file is one of the configuration; a database may come later, and until then nobody is let in. */
function refuseFaults(config: Config, keys: KeyFollower, mode: 'on' | 'auto'): void {
  const place = keyPlaceOf(config)
  const fault = keys.fault()
  if (fault !== null && 'file' in place) throw new ConfigError([`API_KEYS_FILE: ${fault}`])
  if (mode === 'auto' || config.oidc || keys.state() !== 'current' || keys.records().length > 0) return
  throw new ConfigError([
    `AUTH: expected a key or OIDC_ISSUER before the service listens on ${config.host}, found neither. ` +
      '`day7 keys create --name me --scopes predict,read` makes a key; ' +
      'AUTH=off lets in whoever reaches the service',
  ])
}

function followerOf(config: Config, list: KeyStore['list'], logger: LogLogger): KeyFollower {
  const place = keyPlaceOf(config)
  if ('file' in place) {
    const store = fileAt(place.file, config)
    return new KeyFollower({ store, place: place.file, memory: null, pollMs: KEY_POLL_MS, logger })
  }
  const { host, pathname } = new URL(place.url)
  return new KeyFollower({
    store: { list },
    place: `api_keys in ${host}${pathname}`,
    memory: join(config.dataDir, 'api-keys.remembered.json'),
    pollMs: KEY_POLL_MS,
    logger,
  })
}

function issuerOf(oidc: OidcConfig, logger: LogLogger): { keys: IssuerKeys; tokens: Tokens } {
  const { issuer, jwksUri } = oidc
  const keys = new IssuerKeys({ issuer, jwksUri, logger, onChange: () => tokens.forget() })
  const tokens = new Tokens(oidc, keys.resolve)
  return { keys, tokens }
}

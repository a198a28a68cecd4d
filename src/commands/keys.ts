/**
 * `keys create`, `keys list` and `keys revoke`: the API keys where the settings say that they are, a file or a table.
 *
 * A new key is all that `create` writes to stdout, so that it can be piped into whatever keeps secrets; it is shown nowhere else, and never
 * again. What is said about it goes to stderr.
 */
import {
  createKey,
  isScope,
  KEY_NAME,
  KeyFile,
  type KeyRecord,
  type KeyStore,
  type NewKey,
  replaceKey,
  revokeKey,
  SCOPES,
  stateOf,
} from '../access/index.ts'
import { type Config, keyPlaceOf } from '../config/index.ts'
import { openKeyTable } from '../prediction-log/index.ts'
import { tableOf, timeOf } from './table.ts'
import { argumentsOf, type Option, required, UsageError } from './usage.ts'

const ACTIONS =
  'create --name N --scopes predict,read [--expires 90d] [--replaces ID [--overlap 24h]], or list, or revoke ID'
const DEFAULT_OVERLAP = '24h'
export const KEYS_OPTIONS: readonly Option[] = [
  { name: 'name', value: 'N', about: 'who has it; of create' },
  { name: 'scopes', value: 'A,B', about: `what it is good for: some of ${SCOPES.join(', ')}; of create` },
  { name: 'expires', value: 'T', about: 'such as 90d or 12h; left out: never; of create' },
  { name: 'replaces', value: 'ID', about: 'the key in whose place it comes; of create' },
  {
    name: 'overlap',
    value: 'T',
    about: `how long the replaced one stays good; left out: ${DEFAULT_OVERLAP}`,
  },
]
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export async function keys([action, ...args]: readonly string[], config: () => Config): Promise<void> {
  switch (action) {
    case 'create':
      return create(args, config)
    case 'list':
      return list(args, config)
    case 'revoke':
      return revoke(args, config)
    default:
      throw new UsageError(`keys: expected ${ACTIONS}`)
  }
}

async function create(args: readonly string[], config: () => Config): Promise<void> {
  const names = KEYS_OPTIONS.map(({ name }) => name)
  const { values } = argumentsOf('keys create', args, names)
  const now = new Date()
  const { replaces, overlap } = values
  const about = {
    ...(values['name'] !== undefined && { name: nameOf(values['name']) }),
    ...(values['scopes'] !== undefined && { scopes: scopesOf(values['scopes']) }),
    ...(values['expires'] !== undefined && { expires: expiryOf(values['expires'], now) }),
  }
  if (replaces === undefined && overlap !== undefined)
    throw new UsageError('keys create: expected --overlap only with --replaces')
  const overlapMs = durationOf('--overlap', overlap ?? DEFAULT_OVERLAP)
  await withStore(config(), async (store, place) => {
    const key =
      replaces === undefined
        ? await createKey(store, { expires: null, ...wholeOf(about) }, now)
        : await replaceKey(store, replaces, about, overlapMs, now)
    console.log(key.text)
    say(
      key,
      place,
      replaces === undefined ? null : { id: replaces, until: new Date(now.getTime() + overlapMs) },
    )
  })
}

function say(
  { record }: NewKey,
  place: string,
  replaced: { readonly id: string; readonly until: Date } | null,
): void {
  const until = record.expires ? `until ${timeOf(record.expires)} UTC` : 'until it is revoked'
  console.error(
    `key ${record.id} “${record.name}” for ${record.scopes.join(', ')}, ${until}, kept in ${place}`,
  )
  if (replaced) console.error(`key ${replaced.id} is taken until ${timeOf(replaced.until)} UTC at the latest`)
  console.error('This is the only time that the key is shown. A service takes it within seconds.')
}

async function list(args: readonly string[], config: () => Config): Promise<void> {
  argumentsOf('keys list', args, [])
  await withStore(config(), async (store, place) => {
    const records = await store.list()
    const now = new Date()
    console.log(
      records.length === 0
        ? `there are no keys in ${place}`
        : tableOf([HEADINGS, ...records.map((record) => cellsOf(record, now))]),
    )
  })
}

const HEADINGS = ['id', 'name', 'scopes', 'created', 'expires', 'state']

function cellsOf(record: KeyRecord, now: Date): string[] {
  const { id, name, scopes, created, expires, revoked, replacedBy } = record
  const state = stateOf(record, now)
  const more = state === 'revoked' ? ` ${timeOf(revoked!)}` : replacedBy === null ? '' : ` by ${replacedBy}`
  return [
    id,
    name,
    scopes.join(','),
    timeOf(created),
    expires ? timeOf(expires) : 'never',
    state === 'expired' && replacedBy !== null ? `expired, replaced${more}` : `${state}${more}`,
  ]
}

async function revoke(args: readonly string[], config: () => Config): Promise<void> {
  const { positionals } = argumentsOf('keys revoke', args, [], 1)
  const id = required('keys revoke', positionals[0], 'the id of a key; `keys list` has it')
  await withStore(config(), async (store) => {
    const record = await revokeKey(store, id, new Date())
    console.log(`key ${record.id} “${record.name}” is revoked; no service takes it a few seconds from now`)
  })
}

async function withStore(
  config: Config,
  work: (store: KeyStore, place: string) => Promise<void>,
): Promise<void> {
  const place = keyPlaceOf(config)
  if ('file' in place) return work(new KeyFile(place.file, { isRequired: false }), place.file)
  const table = openKeyTable(place)
  try {
    await work(table, 'the table api_keys')
  } finally {
    await table.close()
  }
}

function wholeOf({
  name,
  scopes,
  ...rest
}: Partial<KeyRecord>): Pick<KeyRecord, 'name' | 'scopes'> & typeof rest {
  if (name === undefined) throw new UsageError('keys create: expected --name N')
  if (scopes === undefined)
    throw new UsageError(`keys create: expected --scopes, some of ${SCOPES.join(',')}`)
  return { name, scopes, ...rest }
}

function nameOf(text: string): string {
  if (!KEY_NAME.test(text))
    throw new UsageError('keys create: expected --name of 1 to 100 printable characters')
  return text
}

function scopesOf(text: string): KeyRecord['scopes'] {
  const scopes = text.split(',').map((part) => part.trim())
  if (!scopes.every(isScope))
    throw new UsageError(`keys create: expected --scopes, some of ${SCOPES.join(',')}, got "${text}"`)
  return SCOPES.filter((scope) => scopes.includes(scope))
}

/** A length of time from now on, a time, or never. */
function expiryOf(text: string, now: Date): Date | null {
  if (text === 'never') return null
  const isTime = /^\d{4}-\d\d-\d\d/.test(text)
  const time = isTime ? new Date(text) : new Date(now.getTime() + durationOf('--expires', text))
  if (Number.isNaN(time.getTime()) || time <= now)
    throw new UsageError(`keys create: expected --expires in the future, got "${text}"`)
  return time
}

function durationOf(option: string, text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count === '')
    throw new UsageError(
      `keys create: expected ${option} such as 30m, 24h or 90d${option === '--expires' ? ', a time such as 2026-01-31T00:00:00Z, or never' : ''}, got "${text}"`,
    )
  return Number(count) * UNITS_MS[unit]!
}

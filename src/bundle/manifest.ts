/**
 * `manifest.json` → a checked Manifest. Refuses another format version, missing keys, and file names that leave the folder.
 * The metrics and parameters are the trainer's report and are passed on as they are.
 */

export interface Manifest {
  readonly name: string
  readonly version: string
  /** ISO 8601, UTC. */
  readonly created: string
  readonly objective: string
  readonly features: readonly string[]
  readonly categorical: readonly string[]
  readonly offset: string | null
  /** Days after the install whose revenue is predicted. */
  readonly horizonDays: number
  readonly training: {
    readonly dataSha256: string
    readonly rows: number
    readonly description: string
    /** The model was trained on made-up data. */
    readonly synthetic: boolean
    /** Groups of installs whose revenue looks as if it were in another unit. */
    readonly flagged: readonly FlaggedGroup[]
    /** Whether training left them out. */
    readonly flaggedDropped: boolean
  }
  readonly metrics: Readonly<Record<string, unknown>>
  readonly parameters: Readonly<Record<string, unknown>>
  readonly lightgbmVersion: string
  /** File name → sha256 in hex, of every file but the manifest. */
  readonly files: ReadonlyMap<string, string>
}

export interface FlaggedGroup {
  readonly field: string
  /** In lower case. */
  readonly value: string
  readonly rows: number
  /** Of all revenue, 0 to 1. */
  readonly revenueShare: number
  /** Revenue per event, over that of all other installs. */
  readonly ratio: number
}

const FORMAT = 'day7-bundle/1'
const FILES = ['features.json', 'model.json', 'golden.ndjson', 'profile.json']

/**
 * @param document the parsed `manifest.json`
 * @throws TypeError that names the key, what was expected and what came
 */
export function readManifest(document: unknown): Manifest {
  const manifest = new Keys(document, '')
  const format = manifest.text('format')
  if (format !== FORMAT) throw new TypeError(`expected format "${FORMAT}", got "${format}"`)
  const training = new Keys(manifest.object('training'), 'training.')
  return Object.freeze({
    name: manifest.text('name'),
    version: manifest.text('version'),
    created: manifest.text('created'),
    objective: manifest.text('objective'),
    features: manifest.texts('features'),
    categorical: manifest.texts('categorical'),
    offset: manifest.value('offset') === null ? null : manifest.text('offset'),
    horizonDays: manifest.number('horizonDays'),
    training: {
      dataSha256: training.text('dataSha256'),
      rows: training.number('rows'),
      description: training.anyText('description'),
      synthetic: training.value('synthetic') === true,
      flagged: training.list('flagged').map(readFlagged),
      flaggedDropped: training.value('flaggedDropped') === true,
    },
    metrics: manifest.object('metrics'),
    parameters: manifest.object('parameters'),
    lightgbmVersion: manifest.text('lightgbmVersion'),
    files: readFiles(manifest.object('files')),
  })
}

function readFlagged(group: unknown, at: number): FlaggedGroup {
  const keys = new Keys(group, `training.flagged[${at}].`)
  return {
    field: keys.text('field'),
    value: keys.text('value'),
    rows: keys.number('rows'),
    revenueShare: keys.number('revenue_share'),
    ratio: keys.number('ratio'),
  }
}

function readFiles(files: Record<string, unknown>): Map<string, string> {
  const hashes = new Map<string, string>()
  for (const [name, hash] of Object.entries(files)) {
    if (!/^[\w-][\w.-]*$/.test(name))
      throw new TypeError(`expected a plain file name in "files", got "${name}"`)
    if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash))
      throw new TypeError(`expected files["${name}"] to be a sha256 in hex, got ${JSON.stringify(hash)}`)
    hashes.set(name, hash)
  }
  for (const name of FILES) if (!hashes.has(name)) throw new TypeError(`expected "files" to list ${name}`)
  return hashes
}

/** Reads keys of one type each, and says where it could not. */
class Keys {
  readonly #object: Record<string, unknown>
  readonly #path: string

  constructor(object: unknown, path: string) {
    if (typeof object !== 'object' || object === null || Array.isArray(object))
      throw new TypeError(`expected an object, got ${JSON.stringify(object)}`)
    this.#object = object as Record<string, unknown>
    this.#path = path
  }

  value(key: string): unknown {
    return this.#object[key]
  }

  text(key: string): string {
    return this.#typed(key, 'a text', (value) => typeof value === 'string' && value !== '') as string
  }

  /** A text that may be empty. */
  anyText(key: string): string {
    return this.#typed(key, 'a text', (value) => typeof value === 'string') as string
  }

  number(key: string): number {
    return this.#typed(key, 'a number', (value) => typeof value === 'number') as number
  }

  object(key: string): Record<string, unknown> {
    const isObject = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
    return this.#typed(key, 'an object', isObject) as Record<string, unknown>
  }

  texts(key: string): string[] {
    const isTexts = (value: unknown): boolean =>
      Array.isArray(value) && value.every((each) => typeof each === 'string')
    return this.#typed(key, 'a list of texts', isTexts) as string[]
  }

  list(key: string): unknown[] {
    return this.#typed(key, 'a list', Array.isArray) as unknown[]
  }

  #typed(key: string, expected: string, test: (value: unknown) => boolean): unknown {
    const value = this.#object[key]
    if (!test(value))
      throw new TypeError(`expected ${this.#path}${key} to be ${expected}, got ${JSON.stringify(value)}`)
    return value
  }
}

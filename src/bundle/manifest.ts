/**
 * `manifest.json` → a checked Manifest. Refuses another format version, missing keys, and file names that leave the folder.
 * The metrics and parameters are the trainer's report and are passed on as they are.
 *
 * A bundle of one ensemble has the format 1. More of them need the format 2, which a service that knows the first alone refuses:
 * better than to serve a part of the model. A bundle with an input schema of its own has the format 3, whatever its ensembles.
 */
import { type Calibration, readCalibration } from './calibration.ts'
import { type Combination, plainCombination, readCombination } from './combination.ts'
import { Keys } from './keys.ts'

export interface Manifest {
  readonly format: Format
  readonly name: string
  readonly version: string
  /** ISO 8601, UTC. */
  readonly created: string
  readonly objective: string
  readonly features: readonly string[]
  readonly categorical: readonly string[]
  readonly offset: string | null
  /** How its ensembles make one prediction; a bundle of format 1 has one. */
  readonly prediction: Combination
  /** What becomes of the raw scores of `isCalibrated` ensembles; null: nothing. */
  readonly calibration: Calibration | null
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
    /** What became of targets below 0; null: there were none, or the format does not say. */
    readonly negative: { readonly rows: number; readonly treatment: string } | null
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

/** Of a bundle of one ensemble. */
export const PLAIN = 'day7-bundle/1'
/** Of a bundle whose manifest says how its ensembles are combined. */
const COMBINED = 'day7-bundle/2'
/** Of a bundle whose `inputs.json` says what it takes. */
export const WITH_INPUTS = 'day7-bundle/3'

const FORMATS = [PLAIN, COMBINED, WITH_INPUTS] as const
type Format = (typeof FORMATS)[number]

/** The file of the input schema. */
export const INPUTS_FILE = 'inputs.json'

const FILES = ['features.json', 'golden.ndjson', 'profile.json']
const FILES_OF: Readonly<Record<Format, readonly string[]>> = {
  [PLAIN]: [...FILES, 'model.json'],
  [COMBINED]: FILES,
  [WITH_INPUTS]: [...FILES, INPUTS_FILE],
}

/**
 * @param document the parsed `manifest.json`
 * @throws TypeError that names the key, what was expected and what came
 */
export function readManifest(document: unknown): Manifest {
  const manifest = new Keys(document, '')
  const named = manifest.text('format')
  const format = FORMATS.find((each) => each === named)
  if (!format)
    throw new TypeError(`expected format ${FORMATS.map((each) => `"${each}"`).join(' or ')}, got "${named}"`)
  const objective = manifest.text('objective')
  const offset = manifest.value('offset') === null ? null : manifest.text('offset')
  const files = readFiles(manifest.object('files'), FILES_OF[format])
  const training = new Keys(manifest.object('training'), 'training.')
  const prediction = readPrediction(manifest, format, objective, files, offset !== null)
  return Object.freeze({
    format,
    name: manifest.text('name'),
    version: manifest.text('version'),
    created: manifest.text('created'),
    objective,
    features: manifest.texts('features'),
    categorical: manifest.texts('categorical'),
    offset,
    prediction,
    calibration:
      format === WITH_INPUTS
        ? readCalibration(
            new Keys(manifest.object('prediction'), 'prediction.').nullable('calibration'),
            prediction,
          )
        : null,
    horizonDays: manifest.number('horizonDays'),
    training: {
      dataSha256: training.text('dataSha256'),
      rows: training.number('rows'),
      description: training.anyText('description'),
      synthetic: training.value('synthetic') === true,
      flagged: training.list('flagged').map(readFlagged),
      flaggedDropped: training.value('flaggedDropped') === true,
      negative: format === WITH_INPUTS ? readNegative(training.nullable('negative')) : null,
    },
    metrics: manifest.object('metrics'),
    parameters: manifest.object('parameters'),
    lightgbmVersion: manifest.text('lightgbmVersion'),
    files,
  })
}

function readPrediction(
  manifest: Keys,
  format: Format,
  objective: string,
  files: ReadonlyMap<string, string>,
  hasOffset: boolean,
): Combination {
  if (format !== PLAIN) return readCombination(manifest.object('prediction'), files, hasOffset)
  if (manifest.value('prediction') !== undefined)
    throw new TypeError(
      `expected the format "${COMBINED}" of a bundle with the key "prediction", got "${format}"`,
    )
  return plainCombination(objective, hasOffset)
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

function readNegative(document: unknown): Manifest['training']['negative'] {
  if (document === null) return null
  const keys = new Keys(document, 'training.negative.')
  return { rows: keys.number('rows'), treatment: keys.text('treatment') }
}

function readFiles(files: Record<string, unknown>, needed: readonly string[]): Map<string, string> {
  const hashes = new Map<string, string>()
  for (const [name, hash] of Object.entries(files)) {
    if (!/^[\w-][\w.-]*$/.test(name))
      throw new TypeError(`expected a plain file name in "files", got "${name}"`)
    if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash))
      throw new TypeError(`expected files["${name}"] to be a sha256 in hex, got ${JSON.stringify(hash)}`)
    hashes.set(name, hash)
  }
  for (const name of needed) if (!hashes.has(name)) throw new TypeError(`expected "files" to list ${name}`)
  return hashes
}

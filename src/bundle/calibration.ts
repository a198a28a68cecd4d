/**
 * Calibration: the manifest's key `prediction.calibration` → for each row the pair of numbers that mends what the trees of a logarithm
 * predict too little of, or too much. Training finds the pairs out of fold; docs/bundle.md has the rule.
 *
 * Refuses a calibration of what is no logarithm, a slope that is not above 0, groups without a field, and a field that the inputs lack or that is no text.
 */
import { FOLDS } from '../features/index.ts'
import type { InputSchema, Row } from '../inputs/index.ts'
import { type Combination, isCalibrated, LOG_LINKS } from './combination.ts'
import { Keys } from './keys.ts'

/** calibrated = intercept + slope × raw score. */
export interface Pair {
  readonly intercept: number
  readonly slope: number
}

export interface Calibration extends Pair {
  /** The text field by whose values there are other pairs; null: there are none. */
  readonly field: string | null
  readonly fold: Fold | null
  /** By folded text. */
  readonly groups: ReadonlyMap<string, Pair>
}

type Fold = keyof typeof FOLDS

/** @throws TypeError that names the key, what was expected and what came */
export function readCalibration(document: unknown, { ensembles }: Combination): Calibration | null {
  if (document === null) return null
  if (!ensembles.some(isCalibrated))
    throw new TypeError(
      `expected prediction.calibration to be null without an ensemble of the objective ${LOG_LINKS.join(', ')}`,
    )
  const path = 'prediction.calibration.'
  const keys = new Keys(document, path)
  const groups = Object.entries(keys.object('groups'))
  const field = keys.value('field') === null ? null : keys.text('field')
  if (field === null && (keys.value('fold') !== null || groups.length > 0))
    throw new TypeError(`expected ${path}fold to be null and ${path}groups to be {}, since "field" is null`)
  return {
    ...readPair(keys, path),
    field,
    fold: field === null ? null : readFold(keys, path),
    groups: new Map(
      groups.map(([text, pair]) => {
        const place = `${path}groups[${JSON.stringify(text)}].`
        return [text, readPair(new Keys(pair, place), place)]
      }),
    ),
  }
}

function readPair(keys: Keys, path: string): Pair {
  const intercept = keys.number('intercept')
  const slope = keys.number('slope')
  if (!Number.isFinite(intercept) || !Number.isFinite(slope) || slope <= 0)
    throw new TypeError(
      `expected ${path}intercept and ${path}slope to be finite and the slope above 0, got ${intercept} and ${slope}`,
    )
  return { intercept, slope }
}

function readFold(keys: Keys, path: string): Fold {
  const fold = keys.text('fold')
  if (Object.hasOwn(FOLDS, fold)) return fold as Fold
  throw new TypeError(`expected ${path}fold to be one of ${Object.keys(FOLDS).join(', ')}, got "${fold}"`)
}

/** @throws TypeError if the field of the calibration is no text field of the schema */
export function pairing(calibration: Calibration, schema: InputSchema): (row: Row) => Pair {
  const { field, fold, groups } = calibration
  if (field === null || fold === null) return () => calibration
  const at = schema.indexOf(field)
  if (schema.fields[at]?.kind !== 'text')
    throw new TypeError(
      `expected prediction.calibration.field to be a text field of the inputs, got ${JSON.stringify(field)}`,
    )
  const folded = FOLDS[fold]
  return (row) => {
    const text = row[at] as string | null
    return text === null || text === '' ? calibration : (groups.get(folded(text)) ?? calibration)
  }
}

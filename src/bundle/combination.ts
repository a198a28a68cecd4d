/**
 * How the ensembles of a bundle make one prediction: the manifest's key `prediction` → a checked Combination, and its arithmetic.
 *
 * Refuses a combination that is not known, roles and numbers of ensembles that do not belong to it, objectives that cannot give
 * what a role asks for, an offset on what is no logarithm, and a file that is named twice or not listed.
 */
import { Keys } from './keys.ts'

/** What several outputs become: the only one; their mean; the chance to pay times what a payer brings. */
export type Combine = 'single' | 'mean' | 'hurdle'
export type Role = 'revenue' | 'payer' | 'amount'

export interface EnsembleSpec {
  /** Its trees, as LightGBM's JSON dump. */
  readonly file: string
  /** LightGBM's, without parameters. */
  readonly objective: string
  /** Whether the plan's offset is added to its raw score. */
  readonly offset: boolean
}

export interface RoleSpec extends EnsembleSpec {
  readonly role: Role
}

export interface Combination {
  readonly combine: Combine
  /** In the order of the arithmetic. */
  readonly ensembles: readonly RoleSpec[]
  readonly interval: { readonly p10: EnsembleSpec; readonly p90: EnsembleSpec } | null
}

interface Rule {
  readonly expected: string
  readonly accepts: (roles: readonly string[]) => boolean
}

const RULES: Readonly<Record<Combine, Rule>> = {
  single: { expected: 'one ensemble, revenue', accepts: (roles) => roles.join() === 'revenue' },
  mean: {
    expected: 'two ensembles or more, each revenue',
    accepts: (roles) => roles.length >= 2 && roles.every((role) => role === 'revenue'),
  },
  hurdle: {
    expected: 'two ensembles, payer and then amount',
    accepts: (roles) => roles.join() === 'payer,amount',
  },
}

/** Their raw score is a logarithm, to which another one may be added. */
export const LOG_LINKS = ['tweedie', 'poisson', 'gamma']

/** The combination of a plain bundle: one ensemble, as its manifest describes it. */
export function plainCombination(objective: string, offset: boolean): Combination {
  return {
    combine: 'single',
    ensembles: [{ role: 'revenue', file: 'model.json', objective, offset }],
    interval: null,
  }
}

/** Whether a calibration is for it: its raw score is the logarithm of a revenue. */
export function isCalibrated({ role, objective }: RoleSpec): boolean {
  return (role === 'revenue' || role === 'amount') && LOG_LINKS.includes(objective)
}

/**
 * @param files what the manifest lists
 * @param hasOffset whether the feature plan has an offset
 * @throws TypeError that names the key, what was expected and what came
 */
export function readCombination(
  document: unknown,
  files: ReadonlyMap<string, string>,
  hasOffset: boolean,
): Combination {
  const keys = new Keys(document, 'prediction.')
  const combine = keys.text('combine')
  if (!Object.hasOwn(RULES, combine))
    throw new TypeError(
      `expected prediction.combine to be one of ${Object.keys(RULES).join(', ')}, got "${combine}"`,
    )
  const documents = keys.list('ensembles')
  const roles = documents.map((each, at) => new Keys(each, `prediction.ensembles[${at}].`).text('role'))
  const { expected, accepts } = RULES[combine as Combine]
  if (!accepts(roles))
    throw new TypeError(
      `expected prediction.ensembles for "${combine}" to be ${expected}, got ${roles.join(', ') || 'none'}`,
    )

  const seen = new Set<string>()
  const spec = (each: unknown, path: string, role: string): EnsembleSpec => {
    const read = readSpec(new Keys(each, `${path}.`))
    if (!files.has(read.file))
      throw new TypeError(`expected "files" to list ${read.file}, which ${path} names`)
    if (seen.has(read.file))
      throw new TypeError(`expected a file of its own for ${path}, got ${read.file} again`)
    seen.add(read.file)
    checkObjective(read, path, role)
    if (read.offset && !hasOffset)
      throw new TypeError(`expected ${path}.offset to be false, since "offset" is null`)
    return read
  }
  const ensembles = documents.map((each, at) => ({
    role: roles[at] as Role,
    ...spec(each, `prediction.ensembles[${at}]`, roles[at]!),
  }))
  const common = { combine: combine as Combine, ensembles }
  if (keys.value('interval') === null) return { ...common, interval: null }
  const interval = new Keys(keys.object('interval'), 'prediction.interval.')
  const quantile = (name: 'p10' | 'p90') => spec(interval.object(name), `prediction.interval.${name}`, name)
  return { ...common, interval: { p10: quantile('p10'), p90: quantile('p90') } }
}

function readSpec(keys: Keys): EnsembleSpec {
  return { file: keys.text('file'), objective: keys.text('objective'), offset: keys.boolean('offset') }
}

function checkObjective({ objective, offset }: EnsembleSpec, path: string, role: string): void {
  const needed = { payer: 'binary', p10: 'quantile', p90: 'quantile' }[role]
  if (needed ? objective !== needed : objective === 'binary')
    throw new TypeError(
      `expected ${path}.objective to be ${needed ?? 'one that predicts a revenue'}, got "${objective}"`,
    )
  if (offset && !LOG_LINKS.includes(objective))
    throw new TypeError(
      `expected ${path}.offset to be false for the objective ${objective}: it is added to a logarithm, as of ${LOG_LINKS.join(', ')}`,
    )
}

/** Every ensemble: those that are combined, in order, then p10 and p90. */
export function specsOf({ ensembles, interval }: Combination): readonly EnsembleSpec[] {
  return interval ? [...ensembles, interval.p10, interval.p90] : ensembles
}

/** The arithmetic, which Python does in the same order: a sum from the first to the last, or a product. */
export function combined(combine: Combine, outputs: Float64Array): number {
  if (combine === 'hurdle') return outputs[0]! * outputs[1]!
  let sum = outputs[0]!
  for (let i = 1; i < outputs.length; i++) sum += outputs[i]!
  return combine === 'mean' ? sum / outputs.length : sum
}

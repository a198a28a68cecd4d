/**
 * `GET /experiments`: is the challenger better than the champion? One comparison at a time: later ones wait, and those that ask
 * the same as one under way get its answer.
 */
import type { Static } from 'typebox'
import type { Comparison, Difference } from '../../experiments/index.ts'
import type { ExperimentRows } from '../../prediction-log/index.ts'
import { type AppContext, type Routes, servingOf } from '../context.ts'
import { ExperimentsAnswer, ExperimentsQuerystring } from '../schemas/experiments.ts'
import { failures } from '../schemas/failure.ts'
import { DEFAULT_WINDOW } from '../schemas/outcomes.ts'

type Answer = Static<typeof ExperimentsAnswer>
type Asked = Static<typeof ExperimentsQuerystring>
type Found = Pick<
  Answer,
  'from' | 'basis' | 'matured' | 'sampled' | 'failures' | 'metrics' | 'sample_ratio' | 'verdict' | 'reason'
>

export const experimentRoutes: Routes = (app, context) => {
  const inTurn = turns<Found>()
  app.get(
    '/experiments',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'experiments',
        tags: ['outcomes'],
        summary: 'Is the challenger better than the champion, on predictions whose revenue is known?',
        querystring: ExperimentsQuerystring,
        response: { 200: ExperimentsAnswer, ...failures() },
      },
    },
    async ({ query }): Promise<Answer> => {
      const { window = DEFAULT_WINDOW } = query
      const { champion, challenger } = modelsOf(query, context)
      const { challengerShare, shadow, since } = context.models.traffic.current()
      const days = Number.parseInt(window, 10)
      const found =
        challenger === null
          ? nothing(days, context.now())
          : await inTurn(JSON.stringify([days, champion.version, challenger.version]), () =>
              find(days, champion.version, challenger.version, context),
            )
      return {
        window,
        champion,
        challenger,
        traffic: { challenger_share: challengerShare, shadow, since: since?.toISOString() ?? null },
        ...found,
      }
    },
  )
}

/** @throws 503 where the champion is not named and there is none yet */
function modelsOf(asked: Asked, context: AppContext) {
  const serving = asked.champion === undefined ? servingOf(context) : context.rollout.current()
  const { champion = null, challenger = null } = serving?.slots ?? {}
  const inService = [champion, challenger].flatMap((slot) => slot?.bundle.manifest ?? [])
  const modelOf = (version: string) => ({
    name: inService.find((manifest) => manifest.version === version)?.name ?? null,
    version,
  })
  const version = asked.challenger ?? challenger?.bundle.manifest.version
  return {
    champion: modelOf(asked.champion ?? champion!.bundle.manifest.version),
    challenger: version === undefined ? null : modelOf(version),
  }
}

async function find(
  days: number,
  champion: string,
  challenger: string,
  { predictionLog, compare, now }: AppContext,
): Promise<Found> {
  const rows = await predictionLog.experiment({ champion, challenger, days, now: now() })
  const { basis, pairs, differences, verdict, reason, ...found } = await compare(rows)
  return {
    from: rows.from.toISOString(),
    basis,
    matured: { pairs, champion: found.champion, challenger: found.challenger },
    sampled: rows.sampled,
    failures: rows.failures,
    metrics: differences && {
      mae: toWire(differences.mae),
      normalised_gini: toWire(differences.normalisedGini),
      bias_ratio: toWire(differences.biasRatio),
      bias_distance: toWire(differences.biasDistance),
    },
    sample_ratio: ratioOf(found.sampleRatio, rows.split),
    verdict,
    reason,
  }
}

function ratioOf(ratio: Comparison['sampleRatio'], split: ExperimentRows['split']): Answer['sample_ratio'] {
  return (
    ratio &&
    split && {
      champion: ratio.champion,
      challenger: ratio.challenger,
      both: split.both,
      expected_challenger_share: ratio.expectedChallengerShare,
      p_value: ratio.pValue,
      mismatch: ratio.mismatch,
      since: split.since.toISOString(),
      until: split.until?.toISOString() ?? null,
    }
  )
}

function toWire({ champion, challenger, difference, interval }: Difference) {
  const numberOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null)
  return {
    champion: numberOrNull(champion),
    challenger: numberOrNull(challenger),
    difference: numberOrNull(difference),
    interval,
  }
}

const NOBODY = { users: 0, predictions: 0, payers: 0 }

const nothing = (days: number, now: Date): Found => ({
  from: new Date(now.getTime() - days * 86_400_000).toISOString(),
  basis: null,
  matured: { pairs: NOBODY, champion: NOBODY, challenger: NOBODY },
  sampled: false,
  failures: { asked: 0, failed: 0 },
  metrics: null,
  sample_ratio: null,
  verdict: 'not yet known',
  reason: 'no challenger is in service, and none is named',
})

/** Works that may wait; each takes seconds. */
const MOST_WAITING = 4

/** One work at a time; what has the key of a work that waits or is under way gets that one's result. */
function turns<Result>() {
  const under = new Map<string, Promise<Result>>()
  let last: Promise<unknown> = Promise.resolve()
  return (key: string, work: () => Promise<Result>): Promise<Result> => {
    const known = under.get(key)
    if (known) return known
    if (under.size > MOST_WAITING)
      throw Object.assign(new Error('too many comparisons are waiting'), { code: 'EXPERIMENTS_BUSY' })
    const result = last.then(work).finally(() => under.delete(key))
    last = result.catch(() => {})
    under.set(key, result)
    return result
  }
}

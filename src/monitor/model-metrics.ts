/**
 * The models' figures: which serve, what brings them into service, how traffic is split, and what the shadow did.
 */
import { counter, gauge, type Metric } from './metric.ts'

/** What is read of the rollout. */
export interface WatchedRollout<Bundle extends NamedModel = NamedModel> {
  fallbacks(): number
  unasked(): number
  current(): {
    readonly slots: Readonly<Record<string, { readonly bundle: Bundle; readonly since: Date } | null>>
  } | null
}

interface NamedModel {
  readonly manifest: { readonly name: string; readonly version: string }
}

/** What is read of how models come into service. */
export interface WatchedModels {
  followers(): Readonly<
    Record<
      string,
      { readonly state: string; readonly reason: string | null; readonly refusals: number } | null
    >
  >
  readonly traffic: { current(): { readonly challengerShare: number; readonly shadow: boolean } }
}

/** What is read of the shadow. */
export interface WatchedShadow {
  counts(): { readonly scored: number; readonly failed: number; readonly skipped: number }
  unasked(): number
}

const FOLLOWER_STATES = ['looking', 'following', 'fetching', 'refused', 'unreachable', 'stopped']

export function modelMetrics(
  rollout: WatchedRollout,
  models: WatchedModels,
  shadow: WatchedShadow,
): Metric[] {
  return [
    ...slotMetrics(rollout),
    counter(
      'day7_rollout_fallbacks_total',
      'Predictions that the champion made because the challenger had no finite answer.',
      () => rollout.fallbacks(),
    ),
    ...followerMetrics(models),
    counter(
      'day7_shadow_predictions_total',
      'What the challenger did with predictions that the champion answered.',
      () => Object.entries(shadow.counts()).map(([result, value]) => ({ labels: { result }, value })),
    ),
    counter(
      'day7_challenger_unasked_total',
      'Installs that the challenger was not asked about because the request lacked a field that it takes.',
      () => [
        { labels: { role: 'arm' }, value: rollout.unasked() },
        { labels: { role: 'shadow' }, value: shadow.unasked() },
      ],
    ),
  ]
}

function slotMetrics(rollout: WatchedRollout): Metric[] {
  const perSlot = (name: string, help: string, read: (since: Date) => number): Metric =>
    gauge(name, help, 'max', () =>
      Object.entries(rollout.current()?.slots ?? {}).flatMap(([variant, slot]) => {
        if (!slot) return []
        const { name: model, version } = slot.bundle.manifest
        return { labels: { variant, model, version }, value: read(slot.since) }
      }),
    )
  return [
    perSlot('day7_model_info', 'The models in service: 1 for each.', () => 1),
    perSlot(
      'day7_model_serving_since_seconds',
      'When each model came into service, in seconds since 1970.',
      (since) => since.getTime() / 1000,
    ),
  ]
}

function followerMetrics({ followers, traffic }: WatchedModels): Metric[] {
  const followed = () =>
    Object.entries(followers()).flatMap(([variant, status]) => (status ? [{ variant, ...status }] : []))
  return [
    gauge(
      'day7_rollout_state',
      'State of what brings models into service: 1 for the one that it is in.',
      'max',
      () =>
        followed().flatMap(({ variant, state }) =>
          FOLLOWER_STATES.map((name) => ({
            labels: { variant, state: name },
            value: name === state ? 1 : 0,
          })),
        ),
    ),
    gauge('day7_rollout_model_missing', 'Whether a model that should serve does not.', 'max', () =>
      followed().map(({ variant, state, reason }) => ({
        labels: { variant },
        value: reason === null && state !== 'fetching' ? 0 : 1,
      })),
    ),
    counter(
      'day7_rollout_refusals_total',
      'Models that were refused: not what their hashes say, or not equal to their golden predictions.',
      () => followed().map(({ variant, refusals }) => ({ labels: { variant }, value: refusals })),
    ),
    gauge(
      'day7_rollout_challenger_share',
      'Share of the users that the challenger answers while there is one, 0 to 1.',
      'max',
      () => traffic.current().challengerShare,
    ),
  ]
}

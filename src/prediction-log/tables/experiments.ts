/**
 * What champion and challenger said of users whose revenue is known, in typed arrays: pairs, where the shadow scored what the champion
 * answered, and the two arms, of the last period in which the users were split in one way. A prediction is matured
 * when an outcome of it, or else of its user, was observed when the horizon of its input schema was over, or later.
 */
import type { PendingQuery, Row, Sql } from 'postgres'
import { LARGEST } from './accuracy.ts'
import { lastPeriodOf, type Period, type SlotEvent, type SplitChange } from './period.ts'

export interface ExperimentQuery {
  /** Versions. */
  readonly champion: string
  readonly challenger: string
  /** Predictions of the last so many days. */
  readonly days: number
  readonly now: Date
}

/** Rows of as many predictions; the users are numbered from 0. */
interface Rows {
  readonly actual: Float64Array
  readonly user: Uint32Array
  readonly users: number
}

export interface ExperimentRows {
  readonly from: Date
  readonly pairs: Rows & { readonly champion: Float64Array; readonly challenger: Float64Array }
  readonly champion: Arm
  readonly challenger: Arm
  /** Whether there were more, of which these are some whole users, always the same. */
  readonly sampled: boolean
  readonly failures: Failures
  /** Null where no such period is on record. */
  readonly split: ExperimentSplit | null
}

/** Of the window, matured or not. */
export interface Failures {
  /** Predictions that the challenger was asked for, in shadow or in its arm. */
  readonly asked: number
  /** For which it had no finite answer. */
  readonly failed: number
}

/** Users that were asked about, matured or not, within the window. */
export interface ExperimentSplit extends Period {
  readonly champion: number
  readonly challenger: number
  /** In both arms; there should be none. */
  readonly both: number
}

/** Of the pairs and of each arm: more of them would take long and make intervals that are narrow enough only narrower. */
const MOST_ROWS = 100_000

type Arm = Rows & { readonly predicted: Float64Array }

type Fragment = PendingQuery<Row[]>

/** When a prediction is matured, in a query of predictions and input_schemas. */
const maturesAt = (sql: Sql): Fragment => sql`time + horizon_days * interval '24 hours'`

interface MaturedRow {
  readonly part: 'pairs' | 'champion' | 'challenger'
  readonly user: number
  readonly actual: number
  readonly predicted: number
  readonly shadow: number | null
  readonly isSample: boolean
}

export async function queryExperiment(
  sql: Sql,
  { champion, challenger, days, now }: ExperimentQuery,
  mostRows = MOST_ROWS,
): Promise<ExperimentRows> {
  const from = new Date(now.getTime() - days * 86_400_000)
  const period = lastPeriodOf({ champion, challenger }, await slotEvents(sql), await splitChanges(sql))
  const since = new Date(Math.max(from.getTime(), period?.since.getTime() ?? Infinity))
  const until = period?.until ?? now
  const inArms = period ? sql`time >= ${since} and time < ${until}` : sql`false`
  const ofEither = sql`(variant = 'champion' and model_version = ${champion}
                     or variant = 'challenger' and model_version = ${challenger})`
  const member = sql`coalesce(predictions.user_id, predictions.prediction_id::text)`

  const rows = await sql<MaturedRow[]>`
    with matured as materialized (
      select
        variant,
        ${member} as member,
        hashtextextended(${member}, 0) as place,
        least(predicted_revenue, ${LARGEST}::double precision) as predicted,
        case when variant = 'champion' and shadow_version = ${challenger}
          then least(shadow_revenue, ${LARGEST}::double precision) end as shadow,
        least(coalesce(own.revenue, of_user.revenue), ${LARGEST}::double precision) as actual,
        ${inArms} as in_arms
      from predictions
      join input_schemas using (schema_id)
      left join outcomes as own
        on own.prediction_id = predictions.prediction_id and own.observed_at >= ${maturesAt(sql)}
      left join outcomes as of_user
        on of_user.user_id = predictions.user_id and of_user.observed_at >= ${maturesAt(sql)}
      where time >= ${from} and ${ofEither} and (own.revenue is not null or of_user.revenue is not null)
    ), parts as (
      select 'pairs' as part, * from matured where shadow is not null
      union all select variant as part, * from matured where in_arms
    ), counted as (
      select
        *,
        dense_rank() over by_member - 1 as member_number,
        count(*) over by_member as up_to_member,
        count(*) over (partition by part) as in_part
      from parts
      window by_member as (partition by part order by place, member)
    )
    select part, member_number::integer as "user", actual, predicted, shadow, in_part > ${mostRows} as "isSample"
    from counted where up_to_member <= ${mostRows}
    order by part, member_number, actual, predicted, shadow`
  const [pairs, ofChampion, ofChallenger] = (['pairs', 'champion', 'challenger'] as const).map((part) =>
    rows.filter((row) => row.part === part),
  ) as [MaturedRow[], MaturedRow[], MaturedRow[]]
  return {
    from,
    pairs: {
      ...columnsOf(pairs),
      champion: Float64Array.from(pairs, ({ predicted }) => predicted),
      challenger: Float64Array.from(pairs, ({ shadow }) => shadow!),
    },
    champion: armOf(ofChampion),
    challenger: armOf(ofChallenger),
    sampled: rows.some(({ isSample }) => isSample),
    failures: await failuresIn(sql, from, { champion, challenger }),
    split: period && { ...period, since, ...(await usersIn(sql, sql`${ofEither} and ${inArms}`, member)) },
  }
}

const columnsOf = (rows: readonly MaturedRow[]): Rows => ({
  actual: Float64Array.from(rows, ({ actual }) => actual),
  user: Uint32Array.from(rows, ({ user }) => user),
  users: rows.length === 0 ? 0 : rows.at(-1)!.user + 1,
})

const armOf = (rows: readonly MaturedRow[]): Arm => ({
  ...columnsOf(rows),
  predicted: Float64Array.from(rows, ({ predicted }) => predicted),
})

type Users = Pick<ExperimentSplit, 'champion' | 'challenger' | 'both'>

async function usersIn(sql: Sql, condition: Fragment, member: Fragment): Promise<Users> {
  const [users] = await sql<[Users]>`
    select
      count(*) filter (where in_champion)::double precision as "champion",
      count(*) filter (where in_challenger)::double precision as "challenger",
      count(*) filter (where in_champion and in_challenger)::double precision as "both"
    from (
      select bool_or(variant = 'champion') as in_champion, bool_or(variant = 'challenger') as in_challenger
      from predictions where ${condition} group by ${member}
    ) as members`
  return users
}

async function failuresIn(
  sql: Sql,
  from: Date,
  { champion, challenger }: Pick<ExperimentQuery, 'champion' | 'challenger'>,
): Promise<Failures> {
  const inShadow = sql`variant = 'champion' and model_version = ${champion} and shadow_version = ${challenger}`
  const [failures] = await sql<[Failures]>`
    select
      count(*)::double precision as "asked",
      count(*) filter (where variant = 'champion' and shadow_revenue is null)::double precision as "failed"
    from predictions
    where time >= ${from} and (${inShadow} or variant = 'challenger' and model_version = ${challenger})`
  return failures
}

const slotEvents = (sql: Sql) => sql<SlotEvent[]>`
  select time, host, variant, case when event = 'serving' then model_version end as version
  from model_events where event in ('serving', 'cleared') and variant in ('champion', 'challenger')`

const splitChanges = (sql: Sql) => sql<SplitChange[]>`
  select changed_at as time, challenger_share as "challengerShare", salt from rollout_settings`

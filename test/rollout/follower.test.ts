/**
 * What a source points to comes into service if it is good, and only then; what is in service stays until it does.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Bundle, BundleError } from '../../src/bundle/index.ts'
import { NINE_FIELDS, parseInputSchema } from '../../src/inputs/index.ts'
import { FIVE_FIELDS } from '../five-fields.ts'
import { type BundleSource, Follower, type Refusal, Rollout, type Variant } from '../../src/rollout/index.ts'
import { until } from '../until.ts'

const NOW = new Date('2026-01-01T00:00:00.000Z')
const FIVE = parseInputSchema(FIVE_FIELDS)

const bundleOf = (folder: string) =>
  ({
    manifest: { name: 'm', version: folder, files: new Map([['model.json', folder]]) },
    inputs: folder.startsWith('five') ? FIVE : NINE_FIELDS,
  }) as unknown as Bundle

/** A source that is told what it points to, and a follower of it that looks when it is told to. */
function followed(
  t: Test,
  variant: Variant = 'champion',
  kept: string | null = null,
  acceptedInputs: ReadonlySet<string> = new Set(),
) {
  const said: string[] = []
  const refusals: Refusal[] = []
  const changes: unknown[] = []
  const rollout = new Rollout({
    traffic: { challengerShare: 0, salt: '', shadow: false },
    now: () => NOW,
    onChange: ({ variant, slot }) => changes.push([variant, slot?.origin ?? null]),
  })
  const world = {
    points: null as string | null,
    away: false,
    bad: new Set<string>(),
    unreadable: new Set<string>(),
    fetched: [] as string[],
    kept: [] as string[],
    discarded: [] as string[],
    forgotten: 0,
    spoilt: 0,
  }
  const source: BundleSource = {
    async look() {
      if (world.away) throw new Error('ECONNREFUSED')
      const id = world.points
      if (id === null) return null
      const fetch = async () => {
        world.fetched.push(id)
        if (world.unreadable.has(id))
          throw Object.assign(new Error('broke off'), { code: 'MLFLOW_TRUNCATED' })
        return {
          folder: id,
          keep: async () => void world.kept.push(id),
          discard: async () => void world.discarded.push(id),
        }
      }
      return { id, origin: `models:/m/${id}`, fetch }
    },
    last: async () => (kept === null ? null : { id: kept, origin: `models:/m/${kept}`, folder: kept }),
    forget: async () => void world.forgotten++,
    spoil: async () => void world.spoilt++,
  }
  const note = (details: object, message: string) => void said.push(`${message} ${JSON.stringify(details)}`)
  const follower = new Follower({
    variant,
    source,
    rollout,
    async load(folder) {
      if (world.bad.has(folder)) throw new BundleError(folder, 'model.json', 'expected sha256 a, got b')
      return bundleOf(folder)
    },
    acceptedInputs,
    intervalMs: 3_600_000,
    startWaitMs: 10_000,
    random: () => 0.5,
    logger: { info: note, warn: note, error: note },
    onRefusal: (refusal) => refusals.push(refusal),
  })
  t.teardown(() => follower.stop())
  const origin = () => rollout.current()?.slots[variant]?.origin ?? null
  const served = async (point: string | null) => {
    world.points = point
    await follower.look()
    return origin()
  }
  return { world, follower, rollout, said, refusals, changes, origin, served }
}

t.test('what the source points to is served', async (t) => {
  const { world, follower, served, origin, changes } = followed(t)
  world.points = '1'
  await follower.start()
  t.equal(origin(), 'models:/m/1', 'from the start')
  t.equal(await served('2'), 'models:/m/2')
  t.equal(await served('2'), 'models:/m/2')
  t.same(world.fetched, ['1', '2'], 'each once')
  t.same(world.kept, ['1', '2'])
  t.equal(await served('1'), 'models:/m/1', 'and back')
  t.same(changes, [
    ['champion', 'models:/m/1'],
    ['champion', 'models:/m/2'],
    ['champion', 'models:/m/1'],
  ])
  t.same(follower.status(), { state: 'following', wanted: 'models:/m/1', reason: null, refusals: 0 })
})

t.test('a bad one is refused, told of, and not fetched again until it is another', async (t) => {
  const { world, follower, served, refusals, said } = followed(t)
  world.points = '1'
  await follower.start()
  world.bad.add('2')
  t.equal(await served('2'), 'models:/m/1', 'the old one stays')
  const reason = 'model.json: expected sha256 a, got b'
  t.same(follower.status(), { state: 'refused', wanted: 'models:/m/2', reason, refusals: 1 })
  t.equal(await served('2'), 'models:/m/1')
  t.same(world.fetched, ['1', '2'])
  t.same(world.discarded, ['2'])
  t.same(refusals, [{ variant: 'champion', origin: 'models:/m/2', reason }])
  t.equal(said.filter((line) => line.includes('refused')).length, 1, 'said once')
  t.equal(await served('3'), 'models:/m/3')
  t.match(follower.status(), { state: 'following', reason: null, refusals: 1 })
})

t.test('a source that is away, and a fetch that breaks off', async (t) => {
  const { world, follower, served, said } = followed(t)
  world.points = '1'
  await follower.start()
  world.away = true
  t.equal(await served('2'), 'models:/m/1')
  await follower.look()
  t.same(follower.status(), {
    state: 'unreachable',
    wanted: 'models:/m/1',
    reason: 'ECONNREFUSED',
    refusals: 0,
  })
  t.equal(said.filter((line) => line.includes('out of reach')).length, 1, 'said once')
  world.away = false
  world.unreadable.add('2')
  t.equal(await served('2'), 'models:/m/1')
  t.match(follower.status(), { state: 'unreachable', wanted: 'models:/m/2', reason: 'MLFLOW_TRUNCATED' })
  world.unreadable.clear()
  t.equal(await served('2'), 'models:/m/2', 'it is tried again')
})

t.test('the last good one serves at once, also while the source is away', async (t) => {
  const { world, follower, served, origin } = followed(t, 'champion', '7')
  world.away = true
  await follower.start()
  t.equal(origin(), 'models:/m/7')
  world.away = false
  t.equal(await served('7'), 'models:/m/7')
  t.same(world.fetched, [], 'it is not fetched again')
  t.equal(await served('8'), 'models:/m/8')
})

t.test('a last one that is spoilt is fetched again', async (t) => {
  const { world, follower, origin } = followed(t, 'champion', '7')
  world.points = '8'
  world.bad.add('7')
  await follower.start()
  t.equal(world.spoilt, 1)
  t.equal(origin(), 'models:/m/8')
})

t.test('a champion is only ever replaced; a challenger goes with its alias', async (t) => {
  const champion = followed(t)
  champion.world.points = '1'
  await champion.follower.start()
  t.equal(await champion.served(null), 'models:/m/1')
  t.match(champion.follower.status(), { state: 'following', reason: /names no model/ })
  t.equal(champion.world.forgotten, 0)

  const challenger = followed(t, 'challenger')
  challenger.rollout.place('champion', bundleOf('c'), 'c')
  challenger.world.points = '1'
  await challenger.follower.start()
  t.equal(challenger.origin(), 'models:/m/1')
  t.equal(await challenger.served(null), null)
  t.match(challenger.follower.status(), { state: 'following', wanted: null, reason: null })
  t.equal(challenger.world.forgotten, 1, 'nor is it served after a new start')
  t.equal(await challenger.served('1'), 'models:/m/1')
})

t.test('it looks by itself, and no more when it is stopped', async (t) => {
  const looks: number[] = []
  const source: BundleSource = {
    look: async () => (looks.push(1), null),
    last: async () => null,
    forget: async () => {},
    spoil: async () => {},
  }
  const follower = new Follower({
    variant: 'challenger',
    source,
    rollout: new Rollout({ traffic: { challengerShare: 0, salt: '', shadow: false }, now: () => NOW }),
    acceptedInputs: new Set(),
    load: async () => bundleOf('x'),
    intervalMs: 1,
    startWaitMs: 10_000,
    random: Math.random,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    onRefusal: () => {},
  })
  await follower.start()
  const alive = setInterval(() => {}, 10) // its own timer keeps no process alive
  await until('five looks', () => looks.length >= 5)
  clearInterval(alive)
  await follower.stop()
  const before = looks.length
  await delay(20)
  t.equal(looks.length, before)
  t.match(follower.status(), { state: 'stopped' })
})

t.test('what arrives after it was stopped is not served', async (t) => {
  const { world, follower, rollout } = followed(t)
  world.points = '1'
  const started = follower.start()
  await follower.stop()
  await started
  t.equal(rollout.current(), null)
  t.same(world.kept, [])
})

t.test(
  'a champion that would refuse what the present one takes is refused, until it is confirmed',
  async (t) => {
    const { follower, world, served, refusals, said } = followed(t)
    t.equal(await served('five'), 'models:/m/five', 'the first one disappoints nobody')
    t.equal(await served('nine'), 'models:/m/five', 'what is in service stays')
    const { state, reason } = follower.status()
    t.equal(state, 'refused')
    t.match(
      reason,
      new RegExp(
        `^expected a model that takes the requests that the present one takes, got inputs ${NINE_FIELDS.id}: Country Code: is no longer a field, .*; … ?\\. ACCEPTED_INPUTS=${NINE_FIELDS.id} confirms them$`,
      ),
    )
    t.match(refusals, [{ variant: 'champion', origin: 'models:/m/nine', reason }])
    t.match(said.at(-1), /a model is refused; what is in service stays/)
    await served('nine')
    t.same(world.fetched, ['five', 'nine'], 'it is not fetched again')

    const confirmed = followed(t, 'champion', 'five', new Set([NINE_FIELDS.id]))
    await confirmed.follower.start()
    t.equal(await confirmed.served('nine'), 'models:/m/nine')
    t.equal(await confirmed.served('five'), 'models:/m/nine', 'the way back is another question')
    // What was refused fits again beside a champion that takes the same.
    confirmed.rollout.place('champion', bundleOf('five again'), 'elsewhere')
    t.equal(await confirmed.served('five'), 'models:/m/five')
  },
)

t.test('a challenger may take what it likes', async (t) => {
  const { served, rollout } = followed(t, 'challenger')
  rollout.place('champion', bundleOf('nine'), 'here')
  t.equal(await served('five'), 'models:/m/five')
})

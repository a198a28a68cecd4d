/**
 * Since when two versions have been in service together, with the users split in one way.
 */
import t from 'tap'
import { lastPeriodOf, type SlotEvent, type SplitChange } from '../../src/prediction-log/tables/period.ts'

const START = Date.parse('2026-03-01T00:00:00Z')
const at = (minutes: number, seconds = 0): Date => new Date(START + minutes * 60_000 + seconds * 1000)

const champion = (minutes: number, version: string, host = 'a'): SlotEvent => ({
  time: at(minutes),
  host,
  variant: 'champion',
  version,
})
const challenger = (minutes: number, version: string | null, host = 'a'): SlotEvent => ({
  ...champion(minutes, '', host),
  variant: 'challenger',
  version,
})
const split = (minutes: number, challengerShare: number, salt = 'salt'): SplitChange => ({
  time: at(minutes),
  challengerShare,
  salt,
})

const periodOf = (events: SlotEvent[], splits: SplitChange[]) =>
  lastPeriodOf({ champion: '1', challenger: '2' }, events.toReversed(), splits)

const TOGETHER = [champion(0, '1'), challenger(5, '2')]
const from = (minutes: number, challengerShare = 0.1, until: Date | null = null) => ({
  since: at(minutes, 10),
  until,
  challengerShare,
})

t.test('from when the last of the three was there', async (t) => {
  t.same(periodOf(TOGETHER, [split(0, 0.1)]), from(5))
  t.same(periodOf(TOGETHER, [split(9, 0.1)]), from(9))
  t.equal(periodOf(TOGETHER, []), null, 'the split is not on record')
  t.equal(periodOf([champion(0, '1')], [split(0, 0.1)]), null)
  t.equal(periodOf([champion(0, '1'), challenger(5, '3')], [split(0, 0.1)]), null)
})

t.test('another split begins it anew, the same one does not', async (t) => {
  t.same(periodOf(TOGETHER, [split(0, 0.1), split(60, 0.5)]), from(60, 0.5))
  t.same(periodOf(TOGETHER, [split(0, 0.1), split(60, 0.1, 'other')]), from(60))
  t.same(periodOf(TOGETHER, [split(0, 0.1), split(60, 0.1)]), from(5), 'only the shadow was switched')
})

t.test('it ends with the first change of either', async (t) => {
  for (const event of [champion(60, '4'), challenger(60, '4'), challenger(60, null)])
    t.same(periodOf([...TOGETHER, event], [split(0, 0.1)]), from(5, 0.1, at(60)))
  const back = [...TOGETHER, challenger(60, null), challenger(90, '2')]
  t.same(periodOf(back, [split(0, 0.1)]), from(90), 'the last one counts')
  t.same(
    periodOf([...TOGETHER, challenger(60, null)], [split(0, 0.1), split(90, 0.5)]),
    from(5, 0.1, at(60)),
    'what comes after it does not count',
  )
})

t.test('a start with the same models changes nothing', async (t) => {
  const restarted = [...TOGETHER, champion(600, '1'), challenger(601, '2')]
  t.same(periodOf(restarted, [split(0, 0.1)]), from(5))
})

t.test('several hosts', async (t) => {
  const second = [champion(0, '1', 'b'), challenger(8, '2', 'b')]
  t.same(periodOf([...TOGETHER, ...second], [split(0, 0.1)]), from(8), 'from when the last one caught up')
  const later = [champion(900, '1', 'c'), challenger(901, '2', 'c')]
  t.same(periodOf([...TOGETHER, ...later], [split(0, 0.1)]), from(5), 'one that comes later changes nothing')
  const stale = [champion(900, '0', 'c'), champion(905, '1', 'c')]
  t.same(periodOf([...TOGETHER, ...stale], [split(0, 0.1)]), from(905), 'but one with another model does')
  const renewed = [champion(60, '4', 'b'), champion(90, '1', 'c')]
  t.same(periodOf([...TOGETHER, ...renewed], [split(0, 0.1)]), from(90), 'new hosts bring the old model back')
})

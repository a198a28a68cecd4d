/**
 * How many requests a turn takes up, on a clock that the test winds.
 */
import t from 'tap'
import { Intake } from '../../src/limits/index.ts'
import { until } from '../until.ts'

/** A loop whose turns end when the test says so. */
function loop() {
  let nowMs = 0
  let workedMs = 0
  let calls: (() => void)[] = []
  return {
    clock: {
      nowMs: () => nowMs,
      workedMs: () => workedMs,
      atTheEnd: (call: () => void) => void calls.push(call),
    },
    work: (ms: number) => {
      nowMs += ms
      workedMs += ms
    },
    sleep: (ms: number) => (nowMs += ms),
    endTurn: () => {
      const due = calls
      calls = []
      for (const call of due) call()
    },
    /** Whether anything is to be done at the end of this turn. */
    isAwake: () => calls.length > 0,
  }
}

t.test('a turn takes up requests until its time is up', (t) => {
  const { clock, work, endTurn } = loop()
  const intake = new Intake(20, clock)
  const taken = (): number => {
    let count = 0
    for (let i = 0; i < 100; i++)
      if (intake.hasRoom()) {
        work(1)
        count++
      }
    return count
  }
  t.equal(taken(), 20)
  endTurn()
  t.equal(taken(), 20, 'and the next one as many')
  endTurn()
  work(8)
  t.equal(taken(), 12, 'answers of the turn before are part of it')
  t.end()
})

t.test('after a sleep a turn has all its time', (t) => {
  const { clock, work, sleep, endTurn, isAwake } = loop()
  const intake = new Intake(20, clock)
  t.ok(intake.hasRoom())
  work(15)
  endTurn()
  t.ok(isAwake(), 'it looks once more')
  endTurn()
  t.notOk(isAwake(), 'and sleeps')
  sleep(1000)
  t.ok(intake.hasRoom())
  work(19)
  t.ok(intake.hasRoom())
  work(1)
  t.notOk(intake.hasRoom())
  t.end()
})

t.test('time in which the machine did something else does not count', (t) => {
  const { clock, work, sleep } = loop()
  const intake = new Intake(20, clock)
  t.ok(intake.hasRoom())
  work(10)
  sleep(500)
  t.ok(intake.hasRoom())
  work(10)
  t.notOk(intake.hasRoom())
  t.end()
})

t.test('refusals wait in line for a fiftieth of the time', (t) => {
  const { clock, work, endTurn, isAwake } = loop()
  const intake = new Intake(20, clock)
  const refused: number[] = []
  const refuse = (number: number): void =>
    intake.refuse(() => {
      work(0.2)
      refused.push(number)
    })
  t.ok(intake.hasRoom())
  work(20)
  for (let i = 0; i < 10; i++) refuse(i)
  t.same(refused, [], 'none before the end of the turn')
  endTurn()
  t.same(refused, [0, 1], 'in the order in which they came')
  t.equal(intake.waiting(), 8)
  t.ok(intake.hasRoom())
  work(19.6)
  t.notOk(intake.hasRoom(), 'their time is that of the next turn')
  endTurn()
  t.same(refused, [0, 1, 2, 3])
  for (let turn = 0; turn < 6; turn++) endTurn()
  t.same(refused, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'without other work they do not wait for long')
  endTurn()
  t.notOk(isAwake())
  t.end()
})

t.test('in a real loop', async (t) => {
  const intake = new Intake(5)
  const order: string[] = []
  t.ok(intake.hasRoom())
  const workedMs = (): number => process.threadCpuUsage().user / 1000
  for (const start = workedMs(); workedMs() - start < 20;);
  t.notOk(intake.hasRoom())
  const refused = new Promise<void>((resolve) => intake.refuse(() => (order.push('refused'), resolve())))
  order.push('next')
  await refused
  t.same(order, ['next', 'refused'])
  await until('a turn with room', () => intake.hasRoom())
})

/**
 * A question about installs waits for what was stored before it, but not for days of it.
 */
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Settling } from '../../src/prediction-log/settling.ts'

interface Trial {
  readonly settling: Settling
  readonly warnings: string[]
  /** Rounds that have begun. */
  begun(): number
  /** Ends the running round. */
  end(more: boolean | Error): Promise<void>
}

function trialOf(t: Test): Trial {
  const rounds: PromiseWithResolvers<boolean>[] = []
  const warnings: string[] = []
  const settling = new Settling({
    settle: () => {
      const round = Promise.withResolvers<boolean>()
      rounds.push(round)
      return round.promise
    },
    logger: { info: () => {}, warn: (_, message) => warnings.push(message!), error: () => {} },
  })
  t.teardown(() => settling.stop())
  return {
    settling,
    warnings,
    begun: () => rounds.length,
    async end(more) {
      if (more instanceof Error) rounds.at(-1)!.reject(more)
      else rounds.at(-1)!.resolve(more)
      await turn()
    },
  }
}

/** Whether it is answered, now. */
function ask({ settling }: Trial): () => boolean {
  let isAnswered = false
  void settling.upToNow().then(() => (isAnswered = true))
  return () => isAnswered
}

t.test('a question that comes within a round waits for the next one', async (t) => {
  const trial = trialOf(t)
  const first = ask(trial)
  const second = ask(trial)
  t.equal(trial.begun(), 1)
  await trial.end(false)
  t.same([first(), second()], [true, false])
  t.equal(trial.begun(), 2)
  await trial.end(false)
  t.same([second(), trial.begun()], [true, 2])
})

t.test('rounds go on while more is waiting; a question waits for three', async (t) => {
  const trial = trialOf(t)
  const answered = ask(trial)
  for (const round of [1, 2, 3]) {
    t.equal(answered(), false)
    t.equal(trial.begun(), round)
    await trial.end(true)
  }
  t.equal(answered(), true)
  t.equal(trial.begun(), 4)
  await trial.end(false)
  t.equal(trial.begun(), 4)
})

t.test('an error answers those who wait, and is told once', async (t) => {
  const trial = trialOf(t)
  for (const message of ['refused', 'refused', 'another']) {
    const answered = ask(trial)
    await trial.end(new Error(message))
    t.equal(answered(), true)
  }
  const answered = ask(trial)
  await trial.end(Object.assign(new Error('busy'), { code: '55P03' }))
  t.equal(answered(), true)
  t.equal(trial.warnings.length, 2)
})

t.test('stopping answers all who wait', async (t) => {
  const trial = trialOf(t)
  const answered = [ask(trial), ask(trial)]
  const stopped = trial.settling.stop()
  await trial.end(true)
  await stopped
  t.same(
    answered.map((isAnswered) => isAnswered()),
    [true, true],
  )
  t.equal(trial.begun(), 1)
})

/**
 * A service as a process, whose champion and challenger are replaced by models with other inputs while requests come: none of them fails,
 * each answer is that of one model, and a stream keeps the fields that it began with.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { type Bundle, loadBundle } from '../../src/bundle/index.ts'
import { CALIBRATION, FIVE_FIELDS, PLAYER, writeFiveFields } from '../five-fields.ts'
import { LONG } from '../long.ts'
import { dataFolder, startService } from '../service.ts'
import { until } from '../until.ts'

/** Of the load: callers at once, and how long each of them waits between two requests. */
const [CALLERS, PAUSE_MS] = LONG ? [32, 0] : [3, 20]
/** Answers after a swap before the next one. */
const ANSWERS = LONG ? 2000 : 20
const ROUNDS = LONG ? 5 : 1

interface FieldDocument {
  readonly name: string
  readonly kind: string
  readonly required?: boolean
  readonly nullable?: boolean
}

const LEVEL: FieldDocument = { name: 'level "now", 🎮', kind: 'number', required: false }
const GUILD: FieldDocument = { name: 'guild', kind: 'text', nullable: false }
const schemaOf = (...more: FieldDocument[]) => ({
  ...FIVE_FIELDS,
  fields: [...(FIVE_FIELDS.fields as readonly FieldDocument[]), ...more],
})
const WITH_LEVEL = schemaOf(LEVEL)
/** The fifth field must not be absent any more. */
const STRICTER = {
  ...WITH_LEVEL,
  fields: WITH_LEVEL.fields.map((field) =>
    field.name === 'sessions' ? { ...field, required: true } : field,
  ),
}
const REQUEST = { plain: PLAYER, level: { ...PLAYER, [LEVEL.name]: 3 }, guild: { ...PLAYER, guild: 'owls' } }

const folder = mkdtempSync(join(tmpdir(), 'day7-schemas-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const bundles = new Map<string, Bundle>()
for (const [at, [version, inputs, more]] of (
  [
    ['first', FIVE_FIELDS],
    ['wider', WITH_LEVEL],
    ['asks-more', schemaOf(LEVEL, GUILD), { guild: 'bears' }],
    ['stricter', STRICTER],
  ] as [string, object, object?][]
).entries()) {
  const calibration = { ...CALIBRATION, intercept: 0.1 * (at + 1) }
  bundles.set(
    version,
    await loadBundle(
      writeFiveFields(join(folder, version), { version, inputs, calibration, ...(more && { more }) }),
    ),
  )
}
const idOf = (version: string): string => bundles.get(version)!.inputs.id

/** As an answer has it. */
function revenueOf(version: string, request: object): number {
  const bundle = bundles.get(version)!
  return Number(bundle.predict(bundle.rowOf({ ...request })).revenue.toFixed(6))
}

t.test('models with other inputs come and go under load', async (t) => {
  const [champion, challenger] = [join(folder, 'champion'), join(folder, 'challenger')]
  cpSync(join(folder, 'first'), champion, { recursive: true })
  const service = await startService(t, {
    DATABASE_URL: 'off',
    DATA_DIR: dataFolder(t),
    MODEL_DIR: champion,
    CHALLENGER_DIR: challenger,
    MODEL_POLL_MS: '100',
    ROLLOUT: 'champion=50,challenger=50',
    ROLLOUT_SHADOW: 'challenger',
    ACCEPTED_INPUTS: `${idOf('stricter')}, ${idOf('first')}`,
  })
  const ask = (path: string, body?: object) =>
    fetch(service.url + path, {
      ...(body && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
  const predict = async (request: object) => {
    const response = await ask('/predict', request)
    return { status: response.status, body: (await response.json()) as any }
  }
  const metric = async (series: string) =>
    Number((await (await ask('/metrics')).text()).split(`\n${series} `)[1]?.split('\n')[0])

  /** By the version that answered. */
  let answers: Record<string, number> = {}
  const failures: string[] = []
  let sent: (keyof typeof REQUEST)[] = ['plain']
  const ending = new AbortController()
  const seen = (kind: keyof typeof REQUEST, revenue: unknown, { version, variant }: any): void => {
    answers[version] = (answers[version] ?? 0) + 1
    if (variant === 'challenger' && kind !== 'guild') failures.push(`${kind} by the challenger`)
    const expected = revenueOf(version, REQUEST[kind])
    if (revenue !== expected) failures.push(`${kind} by ${version}: ${String(revenue)}, not ${expected}`)
  }
  const caller = async (who: number): Promise<void> => {
    for (let i = 0; !ending.signal.aborted; i++) {
      const kind = sent[i % sent.length]!
      const install = { ...REQUEST[kind], user_id: `player ${who} ${i}` }
      const isBatch = i % 5 === 4
      const response = await ask(
        isBatch ? '/batch_predict' : '/predict',
        isBatch ? { users: [install, install] } : install,
      )
      const text = await response.text()
      const body = JSON.parse(text)
      if (response.status !== 200) failures.push(`${response.status}: ${text}`)
      else if (!isBatch) seen(kind, body.predicted_revenue, body.model)
      else
        for (const { predicted_revenue, model, error } of body.predictions)
          if (error === undefined) seen(kind, predicted_revenue, model ?? body.model)
          else failures.push(error)
      if (PAUSE_MS > 0) await delay(PAUSE_MS)
    }
  }
  const load = Promise.all(Array.from({ length: CALLERS }, (_, who) => caller(who)))
  const answeredBy = async (version: string) => {
    answers = {}
    await until(`${ANSWERS} answers by ${version}`, () => (answers[version] ?? 0) >= ANSWERS)
  }
  /** Over the files of the one before. */
  const place = (version: string, slot = champion) => cpSync(join(folder, version), slot, { recursive: true })

  for (let round = 0; round < ROUNDS; round++) {
    await answeredBy('first')
    // Later the challenger, which stays, knows it.
    if (round === 0) t.match((await predict(REQUEST.level)).body.message, `${LEVEL.name}: unknown field; `)
    const csv = await openStream(
      service.url,
      'text/csv',
      '💰 spend,country_code,"is ""new"", or not",installed at',
    )
    const row = '2.5,PE,yes,31/12/2026 23:30\n'
    await csv.send(row)
    t.match(JSON.parse(await csv.line()), { line: 2 }, 'a stream has begun')

    place('wider')
    await answeredBy('wider')
    sent = ['plain', 'level']
    t.equal((await predict(REQUEST.level)).body.predicted_revenue, revenueOf('wider', REQUEST.level))

    place('asks-more', challenger)
    await until('the challenger is in service', async () => (await ask('/model/info?variant=challenger')).ok)
    sent = ['plain', 'level', 'guild']
    await answeredBy('asks-more')
    await until('it was not asked where the request lacks its field', async () => {
      const roles = ['arm', 'shadow'].map((role) => metric(`day7_challenger_unasked_total{role="${role}"}`))
      const scored = metric('day7_shadow_predictions_total{result="scored"}')
      return (await Promise.all([...roles, scored])).every((count) => count >= ANSWERS / 4)
    })

    // It takes a field that the champion does not know, and must have it.
    place('asks-more', champion)
    const refused = await until('a champion that asks for more is refused', async () => {
      const { champion } = ((await (await ask('/health')).json()) as any).rollout
      return champion.state === 'refused' && champion
    })
    t.match(
      refused.reason,
      `got inputs ${idOf('asks-more')}: guild: is a new field, and a request without it is refused. ACCEPTED_INPUTS=${idOf('asks-more')} confirms them`,
    )
    await answeredBy('wider')

    place('stricter')
    await answeredBy('stricter')
    const { sessions: _, ...short } = PLAYER
    t.match(await predict(short), { status: 400, body: { message: 'sessions: expected, but it is missing' } })
    t.match(await predict({ ...REQUEST.guild, guild: 5 }), { status: 200 }, 'what is the challenger’s alone')

    await csv.send(row)
    const [second, summary] = await csv.end()
    t.match(second, { line: 3, predicted_revenue: revenueOf('first', short) }, 'by the fields it began with')
    t.match(summary, { summary: { predictions: 2, errors: 0, model: { version: 'first' } } })

    sent = ['plain']
    answers = {}
    await until('nothing else is on its way', () => (answers['stricter'] ?? 0) >= ANSWERS)
    if (round + 1 < ROUNDS) place('first')
  }
  ending.abort()
  await load
  t.same(failures.slice(0, 5), [], 'no request has failed, and no answer is of two models')
  t.equal(await metric('day7_rollout_fallbacks_total'), 0)
  t.equal(await metric('day7_rollout_refusals_total{variant="champion"}'), ROUNDS)
  t.equal(await service.stop(), 0)
})

/** A request whose body is sent while its answer is read. */
async function openStream(url: string, type: string, header: string) {
  const body = new TransformStream<Uint8Array, Uint8Array>()
  const writer = body.writable.getWriter()
  const send = (text: string) => writer.write(new TextEncoder().encode(text))
  const answered = fetch(`${url}/batch_predict`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body.readable,
    duplex: 'half',
  } as RequestInit)
  void send(`${header}\n`)
  let text = ''
  let reader: ReadableStreamDefaultReader<string> | undefined
  const more = async (): Promise<boolean> => {
    reader ??= (await answered).body!.pipeThrough(new TextDecoderStream()).getReader()
    const part = await reader.read()
    text += part.value ?? ''
    return !part.done
  }
  return {
    send,
    async line(): Promise<string> {
      while (!text.includes('\n')) await more()
      const [line] = text.split('\n', 1)
      text = text.slice(line!.length + 1)
      return line!
    },
    async end(): Promise<any[]> {
      await writer.close()
      while (await more());
      return text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    },
  }
}

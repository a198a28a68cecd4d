/**
 * `/outcomes`, `/accuracy` and `/users`: what they take, what they ask of the log, and how they say no.
 */
import t, { type Test } from 'tap'
import type { Accuracy, Outcome, PredictionLog } from '../../src/prediction-log/index.ts'
import { AWAY, appWith, beAway, heldUp, logWith, NOW, send } from './app.ts'

const PREDICTION_ID = '01a20acc-c97a-727d-bccf-1f2d46d5f452'
const OUTCOME = { prediction_id: PREDICTION_ID, revenue: 4.99, observed_at: '2026-01-01T00:00:00Z' }

/** The app on such a log, for one test. */
async function appOn(t: Test, log: Partial<PredictionLog>) {
  const { app } = await appWith({ predictionLog: logWith(log) })
  t.teardown(() => app.close())
  return app
}

t.test('outcomes', async (t) => {
  const reported: Outcome[][] = []
  const app = await appOn(t, { recordOutcomes: async (outcomes) => void reported.push([...outcomes]) })
  t.beforeEach(() => void reported.splice(0))
  const post = (payload: unknown) =>
    send(app, { method: 'POST', url: '/outcomes', payload: payload as object })

  t.test('one, by its prediction', async (t) => {
    t.same(await post(OUTCOME), { status: 200, body: { accepted: 1, errors: [] } })
    t.same(reported, [
      [
        {
          predictionId: PREDICTION_ID,
          userId: null,
          revenue: 4.99,
          observedAt: new Date('2026-01-01T00:00:00Z'),
        },
      ],
    ])
  })

  t.test('one, by its user; observed now if it does not say when', async (t) => {
    t.same(await post({ user_id: 'player 1', revenue: 0 }), {
      status: 200,
      body: { accepted: 1, errors: [] },
    })
    t.same(reported, [[{ predictionId: null, userId: 'player 1', revenue: 0, observedAt: NOW }]])
  })

  t.test('many go to the log at once, in their order', async (t) => {
    const outcomes = [OUTCOME, { user_id: 'a', revenue: 1 }, { user_id: 'b', revenue: 2 }]
    t.same(await post({ outcomes }), { status: 200, body: { accepted: 3, errors: [] } })
    t.same(
      reported.map((outcomes) => outcomes.map(({ revenue }) => revenue)),
      [[4.99, 1, 2]],
    )
  })

  t.test('one that is sent again is answered alike, and the log gets the same again', async (t) => {
    const first = await post(OUTCOME)
    t.same(await post(OUTCOME), first)
    t.same(reported[1], reported[0])
  })

  t.test('times in every zone are the same time', async (t) => {
    for (const time of ['2026-01-01T05:30:00+05:30', '2025-12-31T23:00:00.000-01:00', '2026-01-01t00:00:00z'])
      await post({ ...OUTCOME, observed_at: time })
    t.same(
      reported.flat().map(({ observedAt }) => observedAt),
      Array.from({ length: 3 }, () => new Date(OUTCOME.observed_at)),
    )
  })

  t.test('a clock may be five minutes ahead', async (t) => {
    t.match(await post({ ...OUTCOME, observed_at: '2026-01-02T03:09:05Z' }), { status: 200 })
    t.match(await post({ ...OUTCOME, observed_at: '2026-01-02T03:09:06Z' }), { status: 400 })
  })

  const WRONG: [object, string][] = [
    [{ revenue: 1 }, 'outcome: expected either prediction_id or user_id, got neither'],
    [{ ...OUTCOME, user_id: 'a' }, 'outcome: expected either prediction_id or user_id, got both'],
    [{ user_id: 'a' }, 'revenue: expected, but it is missing'],
    [{ user_id: 'a', revenue: -0.01 }, 'revenue: expected a number ≥ 0, got -0.01'],
    [{ user_id: 'a', revenue: '4.99' }, 'revenue: expected number, got string "4.99"'],
    [{ user_id: 'a', revenue: null }, 'revenue: expected number, got null'],
    [
      { ...OUTCOME, prediction_id: '0b0bd0ab-5d6c-4e9f-9a5e-6f3f0a1b2c3d' },
      'prediction_id: expected a UUIDv7, the prediction_id of an answer, got string "0b0bd0ab-5d6c-4e9f-9a5e-6f3f0a1b2c3d"',
    ],
    [
      { ...OUTCOME, prediction_id: `${PREDICTION_ID}\n` },
      String.raw`prediction_id: expected a UUIDv7, the prediction_id of an answer, got string "${PREDICTION_ID}\n"`,
    ],
    [{ ...OUTCOME, prediction_id: null }, 'prediction_id: expected string, got null'],
    [{ user_id: '', revenue: 1 }, 'user_id: expected 1 or more characters, got 0'],
    [{ user_id: 'x'.repeat(257), revenue: 1 }, 'user_id: expected at most 256 characters, got 257'],
    [
      { user_id: 'a\u0000', revenue: 1 },
      String.raw`user_id: expected text without NUL and without half a surrogate pair, got string "a\u0000"`,
    ],
    [{ user_id: 7, revenue: 1 }, 'user_id: expected string, got 7'],
    [
      { ...OUTCOME, currency: 'EUR' },
      'currency: unknown field; expected only prediction_id, user_id, revenue, observed_at',
    ],
    ...[
      'yesterday',
      '2026-01-01',
      '2026-01-01T00:00:00',
      '2026-02-30T00:00:00Z',
      '2026-01-01T00:00:00+01',
      '2016-12-31T23:59:60Z',
    ].map((time): [object, string] => [
      { ...OUTCOME, observed_at: time },
      `observed_at: expected an ISO 8601 time with its zone, such as 2026-01-31T08:00:00Z, got string "${time}"`,
    ]),
    ...['2026-01-02T04:00:00Z', '9999-12-31T23:59:59Z', '1969-12-31T23:59:59Z', '0000-01-01T00:00:00Z'].map(
      (time): [object, string] => [
        { ...OUTCOME, observed_at: time },
        `observed_at: expected a time since 1970 that is not in the future, got string "${time}"`,
      ],
    ),
    [{ ...OUTCOME, observed_at: 1_767_225_600 }, 'observed_at: expected string, got 1767225600'],
  ]

  t.test('a wrong one is refused with the field, what was expected and what came', async (t) => {
    for (const [payload, message] of WRONG) {
      const { status, body } = await post(payload)
      t.equal(status, 400)
      t.match(body.code, /^(FST_ERR_VALIDATION|OUTCOME_INVALID)$/)
      t.same(body, { statusCode: 400, code: body.code, error: 'Bad Request', message })
    }
    t.same(reported, [])
  })

  t.test('a wrong one among many has its own error, and the others are accepted', async (t) => {
    for (const [wrong, error] of WRONG)
      t.same(await post({ outcomes: [OUTCOME, wrong, { user_id: 'a', revenue: 1 }] }), {
        status: 200,
        body: { accepted: 2, errors: [{ index: 1, error }] },
      })
    t.ok(reported.every((outcomes) => outcomes.length === 2))

    t.same((await post({ outcomes: [null, 5, 'x', [], OUTCOME] })).body, {
      accepted: 1,
      errors: [
        { index: 0, error: 'outcome: expected object, got null' },
        { index: 1, error: 'outcome: expected object, got 5' },
        { index: 2, error: 'outcome: expected object, got string "x"' },
        { index: 3, error: 'outcome: expected object, got array []' },
      ],
    })
  })

  t.test('if all are wrong, the log is not asked', async (t) => {
    const error = 'outcome: expected either prediction_id or user_id, got neither'
    t.same(await post({ outcomes: [{ revenue: 1 }] }), {
      status: 200,
      body: { accepted: 0, errors: [{ index: 0, error }] },
    })
    t.same(reported, [])
  })

  t.test('a wrong list', async (t) => {
    const wrong: [unknown, string | RegExp][] = [
      [{ outcomes: [] }, 'outcomes: expected at least 1, got 0'],
      [{ outcomes: Array.from({ length: 6 }, () => OUTCOME) }, 'outcomes: expected at most 5, got 6'],
      [{ outcomes: OUTCOME }, /^outcomes: expected array, got object /],
      [{ outcomes: [OUTCOME], revenue: 1 }, 'revenue: unknown field; expected only outcomes'],
      [{}, 'revenue: expected, but it is missing'],
      [[OUTCOME], /^body: expected object, got array /],
    ]
    for (const [payload, message] of wrong)
      t.match(await post(payload), { status: 400, body: { code: 'FST_ERR_VALIDATION', message } })
    t.same(reported, [])
  })
})

t.test('while the log is away', async (t) => {
  const app = await appOn(t, { recordOutcomes: beAway, accuracy: beAway, eraseUsers: beAway })
  const post = (payload: object) => send(app, { method: 'POST', url: '/outcomes', payload })
  t.same(await post(OUTCOME), AWAY)
  t.same(await post({ outcomes: [OUTCOME, { revenue: 1 }] }), AWAY, 'none is accepted')
  t.same(await send(app, '/accuracy'), AWAY)
  t.same(await send(app, { method: 'DELETE', url: '/users/a' }), AWAY)
})

t.test('what was reported or erased is answered when the log has done it', async (t) => {
  const recording = heldUp()
  const erasing = heldUp()
  const app = await appOn(t, {
    recordOutcomes: recording.hold,
    eraseUsers: async () => {
      await erasing.hold()
      return [{ userId: 'a', predictions: 0, outcomes: 0 }]
    },
  })
  const requests = [
    [{ method: 'POST', url: '/outcomes', payload: OUTCOME }, recording],
    [{ method: 'DELETE', url: '/users/a' }, erasing],
  ] as const
  for (const [request, log] of requests) {
    const order: string[] = []
    const answered = app.inject(request).then(() => order.push('answered'))
    await log.called
    await app.inject('/health/live')
    order.push('done')
    log.release()
    await answered
    t.same(order, ['done', 'answered'])
  }
})

t.test('accuracy', async (t) => {
  const FIGURES = { matured: 2, mae: 0.5, rmse: 0.6, biasRatio: 1.05, normalisedGini: 0.9 }
  const WIRE = { matured: 2, mae: 0.5, rmse: 0.6, bias_ratio: 1.05, normalised_gini: 0.9 }
  const NOTHING = { matured: 0, mae: null, rmse: null, biasRatio: null, normalisedGini: null }
  const asked: unknown[] = []
  let accuracy: Accuracy
  const app = await appOn(t, {
    accuracy: async (query) => {
      asked.push(query)
      return accuracy
    },
  })
  t.beforeEach(() => {
    asked.splice(0)
    accuracy = { from: new Date('2025-12-05T03:04:05.678Z'), overall: FIGURES, groups: null }
  })

  t.test('of the last 28 days, if nothing else is asked', async (t) => {
    t.same(await send(app, '/accuracy'), {
      status: 200,
      body: {
        window: '28d',
        from: '2025-12-05T03:04:05.678Z',
        by: null,
        overall: WIRE,
        groups: null,
      },
    })
    t.same(asked, [{ days: 28, by: null, now: NOW }])
  })

  t.test('of so many days', async (t) => {
    for (const window of ['1d', '7d', '90d', '999d'])
      t.equal((await send(app, `/accuracy?window=${window}`)).body.window, window)
    t.same(
      asked,
      [1, 7, 90, 999].map((days) => ({ days, by: null, now: NOW })),
    )
  })

  t.test('of each model, variant, country or platform', async (t) => {
    for (const by of ['model', 'variant', 'country', 'platform']) {
      accuracy = {
        ...accuracy,
        groups: [
          { value: 'one', ...FIGURES },
          { value: 'two', ...FIGURES, matured: 1 },
        ],
      }
      const { body } = await send(app, `/accuracy?by=${by}`)
      t.equal(body.by, by)
      t.same(body.groups, [
        { value: 'one', ...WIRE },
        { value: 'two', ...WIRE, matured: 1 },
      ])
      t.same(asked.pop(), { days: 28, by, now: NOW })
    }
  })

  t.test('of nothing', async (t) => {
    accuracy = { ...accuracy, overall: NOTHING, groups: [] }
    const { status, body } = await send(app, '/accuracy?by=model')
    t.equal(status, 200)
    t.same(body.overall, { matured: 0, mae: null, rmse: null, bias_ratio: null, normalised_gini: null })
    t.same(body.groups, [])
  })

  t.test('a wrong question is refused with what was expected', async (t) => {
    const days = (value: string) => `window: expected days as 1d to 999d, got string "${value}"`
    const wrong: [string, string][] = [
      ['window=7', days('7')],
      ['window=0d', days('0d')],
      ['window=-1d', days('-1d')],
      ['window=1.5d', days('1.5d')],
      ['window=1000d', days('1000d')],
      ['window=24h', days('24h')],
      ['window=', days('')],
      ['window=7d&window=28d', 'window: expected string, got array ["7d","28d"]'],
      ['days=7', 'days: unknown field; expected only window, by'],
    ]
    for (const [query, message] of wrong)
      t.same(await send(app, `/accuracy?${query}`), {
        status: 400,
        body: { statusCode: 400, code: 'FST_ERR_VALIDATION', error: 'Bad Request', message },
      })
    t.same(asked, [])
    // The facets are those of the champion.
    for (const by of ['age', ''])
      t.same(await send(app, `/accuracy?by=${by}`), {
        status: 400,
        body: {
          statusCode: 400,
          code: 'GROUP_INVALID',
          error: 'Bad Request',
          message: `by: expected one of model, variant, country, source, platform, got string "${by}"`,
        },
      })
  })
})

t.test('erasing a user', async (t) => {
  const erased: string[] = []
  const app = await appOn(t, {
    eraseUsers: async (userIds) => {
      erased.push(...userIds)
      return userIds.map((userId) => ({ userId, predictions: 3, outcomes: 1 }))
    },
  })
  t.beforeEach(() => void erased.splice(0))
  const erase = (path: string) => send(app, { method: 'DELETE', url: `/users/${path}` })

  t.test('any id that a prediction can have', async (t) => {
    const ids = [
      'player 1',
      'a/b',
      '/',
      'a%b',
      '%2F',
      '100%25',
      'a?b#c;d&e=f+g',
      'Ünïcödé 漢字',
      '😀',
      'x'.repeat(256),
      '/'.repeat(256),
      '%'.repeat(256),
      '😀'.repeat(256),
    ]
    for (const id of ids)
      t.same(await erase(encodeURIComponent(id)), {
        status: 200,
        body: { user_id: id, predictions: 3, outcomes: 1 },
      })
    t.same(erased, ids)
  })

  t.test('many, by their ids in the body', async (t) => {
    const user_ids = ['.', '..', 'player 1', 'player 1', 'x'.repeat(256)]
    const post = (payload: object | null) =>
      send(app, {
        method: 'POST',
        url: '/users/erase',
        payload: JSON.stringify(payload),
        headers: { 'content-type': 'application/json' },
      })
    t.same(await post({ user_ids }), {
      status: 200,
      body: { users: user_ids.map((user_id) => ({ user_id, predictions: 3, outcomes: 1 })) },
    })
    t.same(erased, user_ids)
    const bad = [
      [{ user_ids: [] }, /user_ids: expected/],
      [{ user_ids: Array.from({ length: 1001 }, (_, i) => `${i}`) }, /user_ids: expected.*1000/],
      [{ user_ids: ['a', ''] }, /user_ids\.1: expected/],
      [{ user_ids: ['a', null] }, /user_ids\.1: expected/],
      [{ user_ids: 'a' }, /user_ids: expected/],
      [{ users: ['a'] }, /user/],
      [null, /expected/],
    ] as const
    for (const [payload, message] of bad) {
      const { status, body } = await post(payload)
      t.equal(status, 400, JSON.stringify(payload).slice(0, 60))
      t.match(body.message, message)
    }
    t.same(erased, user_ids, 'of a request with a fault nobody is erased')
  })

  t.test('with a content type, as many clients send it, and no content', async (t) => {
    const headers = { 'content-type': 'application/json' }
    t.equal((await send(app, { method: 'DELETE', url: '/users/a', headers })).status, 200)
    t.same(erased, ['a'])
  })

  t.test('no other', async (t) => {
    const wrong: [string, string | RegExp][] = [
      ['x'.repeat(257), 'user_id: expected at most 256 characters, got 257'],
      [encodeURIComponent('😀'.repeat(257)), 'user_id: expected at most 256 characters, got 257'],
      [encodeURIComponent('/'.repeat(257)), 'user_id: expected at most 256 characters, got 257'],
      ['', 'user_id: expected 1 or more characters, got 0'],
      [
        'a%00',
        String.raw`user_id: expected text without NUL and without half a surrogate pair, got string "a\u0000"`,
      ],
      ['%ED%A0%80', /not a valid url component/],
      ['%zz', /not a valid url component/],
    ]
    for (const [path, message] of wrong)
      t.match(await erase(path), { status: 400, body: { statusCode: 400, message } })
    t.equal((await erase('a/b')).status, 404, 'a slash in an id is written %2F')
    t.same(erased, [])
  })
})

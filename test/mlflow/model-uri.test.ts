/**
 * Model URIs as MLflow reads them.
 */
import fc from 'fast-check'
import t from 'tap'
import { parseModelUri } from '../../src/mlflow/index.ts'

t.test('what is read', (t) => {
  const table: [string, object][] = [
    ['models:/day7-revenue/3', { kind: 'version', name: 'day7-revenue', version: '3' }],
    ['models:/a b/007', { kind: 'version', name: 'a b', version: '007' }],
    ['models:/a@b/3', { kind: 'version', name: 'a@b', version: '3' }],
    ['models:/name@champion', { kind: 'alias', name: 'name', alias: 'champion' }],
    ['models:/me@work@champion', { kind: 'alias', name: 'me@work', alias: 'champion' }],
    ['models:/m-name@champion', { kind: 'alias', name: 'm-name', alias: 'champion' }],
    ['models:/name/latest', { kind: 'latest', name: 'name' }],
    ['models:/name/Latest', { kind: 'latest', name: 'name' }],
  ]
  for (const [uri, expected] of table) t.strictSame(parseModelUri(uri), expected, uri)
  t.end()
})

t.test('what is refused', (t) => {
  const table: [string, RegExp][] = [
    ['models:/m-5ced0a1b', /the id of a logged model/],
    ['models:/name/Production', /"Production" would be a stage; use an alias/],
    ['models:/name/None', /stage/],
    ['models:/name/-1', /stage/],
    ['models:/name/1.0', /stage/],
    ...[
      '',
      'name',
      'models:',
      'models:/',
      'models://',
      'models:/name',
      'models:/name/',
      'models://name/3',
    ].map((uri): [string, RegExp] => [uri, /expected a model URI of the form/]),
    ...[
      'models:///name/3',
      'models:/ /3',
      'models:/name@',
      'models:/@alias',
      'models:/name/3/',
      'models:/a/b/3',
    ].map((uri): [string, RegExp] => [uri, /expected a model URI of the form/]),
    ['runs:/abc/model', /runs:/],
    ['Models:/name/3', /Models/],
    [' models:/name/3', / models/],
  ]
  for (const [uri, message] of table)
    t.throws(() => parseModelUri(uri), { code: 'INVALID_MODEL_URI', message }, uri)
  t.end()
})

t.test('any name without "/" is found again', (t) => {
  const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('/') && text.trim() !== '')
  fc.assert(
    fc.property(name, fc.nat(), fc.stringMatching(/^[\w-]+$/), (name, version, alias) => {
      t.strictSame(parseModelUri(`models:/${name}/${version}`), {
        kind: 'version',
        name,
        version: `${version}`,
      })
      t.strictSame(parseModelUri(`models:/${name}@${alias}`), { kind: 'alias', name, alias })
    }),
    { numRuns: 50 },
  )
  t.end()
})

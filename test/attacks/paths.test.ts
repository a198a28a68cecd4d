/**
 * Paths that try to leave the folder of Swagger UI's files, in every spelling, sent as they are: no client tidies them up.
 */
import t from 'tap'
import { appWith } from '../http/app.ts'
import { converse } from './wire.ts'

const { app } = await appWith()
await app.listen({ port: 0, host: '127.0.0.1' })
t.teardown(() => app.close())
const { port } = app.server.address() as { port: number }

const UP = [
  '../',
  '%2e%2e/',
  '.%2e/',
  '..%2f',
  '%2e%2e%2f',
  '%252e%252e%252f',
  '..\\',
  '..%5c',
  '....//',
  '..;/',
  '%c0%ae%c0%ae/',
  '%u002e%u002e/',
  './.././',
]
const TARGETS = ['package.json', 'index.js', 'etc/passwd']

t.test('no file is sent but those of the folder', async (t) => {
  const paths = [
    ...UP.flatMap((up) => TARGETS.map((target) => `/docs/static/${up.repeat(2)}${target}`)),
    ...UP.flatMap((up) => [`/docs/${up.repeat(3)}package.json`, `/${up.repeat(8)}etc/passwd`]),
    '/docs/static//etc/passwd',
    '/docs/static/%2fetc/passwd',
    '/docs/static/swagger-ui.css%00.json',
    '/docs/static/file:///etc/passwd',
    'file:///etc/passwd',
    '/docs/static/.env',
    '/docs/static',
  ]
  const conversations = await Promise.all(
    paths.map((path) => converse(port, `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)),
  )
  for (const [index, path] of paths.entries()) {
    const [answer] = conversations[index]!.answers
    t.ok(answer && [400, 403, 404, 421].includes(answer.status), `${path}: ${answer?.status}`)
    t.match(JSON.parse(answer?.body ?? '{}'), { statusCode: answer?.status, message: String }, path)
    t.notMatch(answer?.body, /root:|"dependencies"|\/work|node_modules/, path)
  }
})

t.test('those of the folder are', async (t) => {
  const { answers } = await converse(
    port,
    'GET /docs/static/swagger-ui.css HTTP/1.1\r\nhost: localhost\r\n\r\n',
  )
  t.match(answers, [{ status: 200, headers: { 'content-type': /^text\/css/ } }])
})

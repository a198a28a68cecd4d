/**
 * The log’s lines on their way out: to a pipe that is full and read by nobody, to one whose reader is gone, and to a stream that is slow.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LogOutput } from '../../src/processes/index.ts'
import { killedWithUs } from '../run/reaper.ts'
import { dataFolder, PASSED_ON } from '../service.ts'
import { until } from '../until.ts'

/** A pipe with nothing more to be written to it; nobody reads. */
function fullPipe(t: Test): { path: string; reader: number } {
  const path = join(dataFolder(t), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  for (const bytes of [2 ** 16, 1])
    try {
      for (;;) writeSync(filler, 'x'.repeat(bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  closeSync(filler)
  return { path, reader }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

async function serviceOn(t: Test, pipe: string, settings: Readonly<Record<string, string>>) {
  const port = await freePort()
  const stdout = openSync(pipe, constants.O_WRONLY)
  const env = { ...PASSED_ON, PORT: String(port), DATABASE_URL: 'off', DATA_DIR: dataFolder(t), ...settings }
  const service = spawn(process.execPath, ['src/server.ts'], { env, stdio: ['ignore', stdout, 'inherit'] })
  closeSync(stdout)
  killedWithUs(service)
  t.teardown(() => service.kill('SIGKILL'))
  const exited = once(service, 'exit')
  const ask = async () => (await fetch(`http://127.0.0.1:${port}/nothing`)).status
  await until('it answers', () => ask().catch(() => null))
  return {
    ask,
    stop: async () => {
      service.kill('SIGTERM')
      return (await exited)[0] as number | null
    },
  }
}

for (const LOG_REQUESTS of ['sampled', 'all'])
  t.test(`a full pipe that nobody reads, LOG_REQUESTS=${LOG_REQUESTS}`, async (t) => {
    const { path, reader } = fullPipe(t)
    t.teardown(() => closeSync(reader))
    const { ask, stop } = await serviceOn(t, path, { LOG_REQUESTS })
    for (let i = 0; i < 30; i++) t.equal(await ask(), 404)
    t.equal(await stop(), 0)
  })

t.test('a pipe whose reader goes', async (t) => {
  const { path, reader } = fullPipe(t)
  const { ask, stop } = await serviceOn(t, path, {})
  closeSync(reader)
  for (let i = 0; i < 30; i++) t.equal(await ask(), 404)
  t.equal(await stop(), 0)
})

class SlowStream {
  readonly taken: string[] = []
  #waiting: { text: string; done: (error?: Error | null) => void }[] = []

  get writableLength(): number {
    return this.#waiting.reduce((sum, { text }) => sum + text.length, 0)
  }

  write(text: string, done: (error?: Error | null) => void): void {
    this.#waiting.push({ text, done })
  }

  on(): void {}

  take(error?: Error): void {
    for (const { text, done } of this.#waiting.splice(0)) {
      if (!error) this.taken.push(text)
      done(error)
    }
  }
}

t.test('what is too much is dropped, and counted', async (t) => {
  const stream = new SlowStream()
  const output = new LogOutput(stream, { gatherBytes: 0, maxWaitingBytes: 10 })
  for (const line of ['one..\n', 'two..\n', 'three\n', 'four.\n']) output.write(line)
  stream.take()
  t.same(stream.taken, ['one..\n', 'two..\n'])
  output.write('five.\n')
  stream.take()
  const [, , last] = stream.taken
  t.match(last, /"dropped":2,"msg":"log: lines were dropped, for nobody took them"}\nfive\.\n$/)
  output.write('lost.\n')
  stream.take(new Error('EPIPE'))
  output.write('lost, too\n')
  t.equal(stream.writableLength, 0, 'a stream that failed has a pause')
  await output.flush(1)
})

t.test('lines are gathered, and go with the last flush', async (t) => {
  const stream = new SlowStream()
  const output = new LogOutput(stream, { gatherBytes: 10, maxWaitingBytes: 100 })
  output.write('one\n')
  t.equal(stream.writableLength, 0)
  output.write('two...\n')
  t.equal(stream.writableLength, 11)
  output.write('last\n')
  const flushed = output.flush(60_000)
  stream.take()
  await flushed
  t.same(stream.taken, ['one\ntwo...\n', 'last\n'])
})

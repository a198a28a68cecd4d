/**
 * Bytes on a connection of one's own, as no client would send them.
 */
import { connect, type Socket } from 'node:net'
import { until } from '../until.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Conversation {
  readonly answers: readonly Answer[]
  /** By the server. */
  readonly closed: boolean
}

const PROBE = 'GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n'

/**
 * Sends, and listens until the connection is closed or `count` answers have come, and whatever else comes before the answer to one more
 * request, which is left out.
 */
export async function converse(port: number, bytes: string | Buffer, count = 1): Promise<Conversation> {
  const { socket, heard } = open(port)
  const answers = (): Answer[] => answersIn(heard.text())
  const untilThere = (number: number) =>
    until(`${number} answers, or an end, after ${JSON.stringify(heard.text())}`, () => {
      const isEnding = answers().at(-1)?.headers['connection'] === 'close'
      return heard.closed || (!isEnding && answers().length >= number)
    })
  socket.write(bytes)
  await untilThere(count)
  const before = answers().length
  if (!heard.closed) {
    socket.write(PROBE)
    await untilThere(before + 1)
  }
  socket.destroy()
  return { answers: heard.closed ? answers() : answers().slice(0, -1), closed: heard.closed }
}

export function open(port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const chunks: Buffer[] = []
  const heard = {
    closed: false,
    text: () => Buffer.concat(chunks).toString('latin1'),
  }
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.on('end', () => (heard.closed = true))
  socket.on('close', () => (heard.closed = true))
  return { socket, heard } as { socket: Socket; heard: { readonly closed: boolean; text(): string } }
}

/** Whole ones, of a given length or in chunks; `100 Continue` is none. */
export function answersIn(text: string): Answer[] {
  const answers: Answer[] = []
  for (let rest = text; ;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return answers
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
    const headers = Object.fromEntries(
      lines.map((line) => [line.split(': ', 1)[0]!.toLowerCase(), line.slice(line.indexOf(': ') + 2)]),
    )
    const length = status === 100 ? 0 : Number(headers['content-length'])
    const body = rest.slice(end + 4, end + 4 + length)
    if (Number.isNaN(length) || body.length < length) return answers
    if (status !== 100) answers.push({ status, headers, body })
    rest = rest.slice(end + 4 + length)
  }
}

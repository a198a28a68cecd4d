/**
 * Bytes on a connection of one's own, as no client would send them.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

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

/** Later than anything that the service does at once. */
const QUIET_MS = 300
const PATIENCE_MS = 10_000

/** Sends, and listens until the connection is closed, `count` answers have come and it was quiet for a while, or patience ends. */
export async function converse(port: number, bytes: string | Buffer, count = 1): Promise<Conversation> {
  const { socket, heard } = open(port)
  socket.write(bytes)
  for (let waitedMs = 0; !heard.closed && waitedMs < PATIENCE_MS; waitedMs += 10) {
    if (answersIn(heard.text()).length >= count) {
      for (let quietMs = 0; !heard.closed && quietMs < QUIET_MS; quietMs += 10) await delay(10)
      break
    }
    await delay(10)
  }
  socket.destroy()
  return { answers: answersIn(heard.text()), closed: heard.closed }
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

/**
 * A way to a server that can fall silent, as a firewall or a failover makes it: connections stay open, new ones are taken, and nothing arrives any more.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface SilentProxy {
  /** The server's address, by way of the proxy. */
  readonly url: string
  /** Of all connections that there are, and of all that come. */
  silence(): void
  /** For connections that come from now on; the others stay silent for ever. */
  speak(): void
  close(): void
}

export async function startSilentProxy(target: string): Promise<SilentProxy> {
  const { port, hostname } = new URL(target)
  const sockets = new Set<Socket>()
  let silent = false
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {}).on('close', () => to.destroy())
      if (silent) from.pause()
      else from.pipe(to)
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const url = new URL(target)
  url.port = String((proxy.address() as { port: number }).port)
  return {
    url: url.href,
    silence() {
      silent = true
      for (const socket of sockets) socket.unpipe().pause()
    },
    speak: () => void (silent = false),
    close() {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/**
 * Locks between processes: a Unix socket that its owner listens on. It ends with the process, however that ends; a file of it
 * that nobody answers at was left behind. Works between containers that share a folder on one host, not between hosts.
 */
import { once } from 'node:events'
import { fstatSync, openSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { basename, dirname, join, relative } from 'node:path'

/** sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included. */
const MAX_SOCKET_PATH_BYTES = 103

/** @throws Error if something listens there already, or the file of it was left behind */
export async function listenAt(path: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy()).listen(socketPath(path))
  await once(server, 'listening')
  return server.unref()
}

/** @throws Error, with a code, if that cannot be told: EACCES where the lock is that of another user, EMFILE where no more can be opened */
export async function answersAt(path: string): Promise<boolean> {
  const probe = connect({ path: socketPath(path) })
  try {
    await once(probe, 'connect')
    return true
  } catch (error) {
    // ENOENT: never used; ECONNREFUSED: left by a process that was killed.
    if (['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code!)) return false
    throw error
  } finally {
    probe.destroy()
  }
}

/** A path to the same file that is short enough for a socket. */
export function socketPath(path: string): string {
  const fromHere = relative(process.cwd(), path)
  const best = fromHere.length < path.length ? fromHere : path
  if (Buffer.byteLength(best) <= MAX_SOCKET_PATH_BYTES) return best
  if (process.platform === 'linux')
    return join(`/proc/self/fd/${descriptorOf(dirname(path))}`, basename(path))
  throw new Error(
    `the path of the data folder is too long for a Unix socket: expected ${path} to have at most ${MAX_SOCKET_PATH_BYTES} bytes`,
  )
}

/** Of folders with long paths, which are few; open for as long as the process lives. */
const descriptors = new Map<string, number>()

function descriptorOf(folder: string): number {
  const known = descriptors.get(folder)
  if (known !== undefined && fstatSync(known).ino === statSync(folder).ino) return known
  const opened = openSync(folder, 'r')
  descriptors.set(folder, opened)
  return opened
}

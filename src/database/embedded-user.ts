/**
 * The user of the embedded database. PostgreSQL refuses to run as root: there it runs as the owner of its data, or as nobody, without a
 * user being made on the machine.
 */
import { chmod, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface ServerUser {
  /** Of its folders. Null: the service's own user. */
  readonly owner: Ids | null
  /** A command → what to run in its place, and the ids to run that with. */
  run(command: readonly string[]): {
    readonly command: string
    readonly args: string[]
    readonly ids: Partial<Ids>
  }
}

interface Ids {
  readonly uid: number
  readonly gid: number
}

const NOBODY: Ids = { uid: 65534, gid: 65534 }

/**
 * @param home the folder of the embedded database
 * @param data the folder of its data, which may not be there yet
 * @param programs a path among its programs
 */
export async function serverUser(home: string, data: string, programs: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0)
    return { owner: null, run: ([command, ...args]) => ({ command: command!, args, ids: {} }) }
  const found = await stat(data).catch(() => null)
  const owner = !found || found.uid === 0 ? NOBODY : { uid: found.uid, gid: found.gid }
  await chmod(home, 0o711)
  if ((await canReach(home, owner)) && (await canReach(dirname(programs), owner)))
    return { owner, run: ([command, ...args]) => ({ command: command!, args, ids: owner }) }
  return { owner, run: (command) => ({ command: 'setpriv', args: [...passing(owner), ...command], ids: {} }) }
}

/** Folders such as /root are closed to others: one capability, to read, lets the server pass. */
function passing({ uid, gid }: Ids): string[] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return [...ids, '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search', '--']
}

/** Whether the user may pass through this folder and all above it. */
async function canReach(folder: string, { uid, gid }: Ids): Promise<boolean> {
  const found = await stat(folder)
  const bits = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001
  const above = dirname(folder)
  return (found.mode & bits) !== 0 && (above === folder || canReach(above, { uid, gid }))
}

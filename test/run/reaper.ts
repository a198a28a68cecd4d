/**
 * Kills what this process has started and has not ended when this process ends, in whatever way: by a signal that nobody can catch, too.
 * A shell does it that waits for the end of its input, which this process holds.
 */
import { type ChildProcess, spawn } from 'node:child_process'

/** `+7` is to be killed, `-7` is no more; `+-7` is the process group of 7. */
const REAPER = `
pids=' '
while IFS= read -r line; do
  case $line in
    +*) pids="$pids\${line#+} " ;;
    -*) pid="\${line#-}"; pids="\${pids%% "$pid" *} \${pids#* "$pid" }" ;;
  esac
done
for pid in $pids; do kill -s KILL -- "$pid" 2>/dev/null; done`

let reaper: ChildProcess | null = null

function tell(line: string): void {
  if (reaper === null) {
    // In a group of its own: what interrupts this process must not interrupt the shell.
    // Without the mark of the run, of whose processes it is none.
    reaper = spawn('sh', ['-c', REAPER], {
      detached: true,
      env: { PATH: process.env['PATH'] },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    reaper.unref()
    const input = reaper.stdin as unknown as { unref(): void }
    input.unref()
  }
  reaper.stdin!.write(`${line}\n`)
}

/**
 * @param child it leads a process group if it was started with `detached`; then all of the group is meant
 * @returns the child
 */
export function killedWithUs<T extends ChildProcess>(child: T, { group = false } = {}): T {
  if (child.pid === undefined) return child
  const pid = group ? -child.pid : child.pid
  tell(`+${pid}`)
  child.once('exit', () => tell(`-${pid}`))
  return child
}

/** For a process that others have started. @returns to be called when it has ended */
export function pidKilledWithUs(pid: number): () => void {
  tell(`+${pid}`)
  return () => tell(`-${pid}`)
}

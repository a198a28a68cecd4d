/**
 * Disks with faults: a full one and a read-only one. Both are mounted, which takes the right to; without it there is none.
 */
import { spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import { dataFolder } from './service.ts'

export interface SmallDisk {
  readonly folder: string
  makeReadOnly(): void
  makeWritable(): void
}

/** @returns null where this process may not mount one */
export function smallDisk(t: Test, size: string): SmallDisk | null {
  const folder = dataFolder(t)
  const mount = (options: string): boolean =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0
  if (!mount(`size=${size}`)) return null
  t.teardown(() => spawnSync('umount', ['-l', folder]))
  const remount = (mode: string): void => {
    const { status, stderr } = spawnSync('mount', ['-o', `remount,${mode}`, folder], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`remount,${mode}: ${stderr}`)
  }
  return { folder, makeReadOnly: () => remount('ro'), makeWritable: () => remount('rw') }
}

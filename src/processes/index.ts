export { freshSettings } from './fresh-settings.ts'
export { linkToPrimary, type WorkerLink } from './link.ts'
export type { SharedValues } from './messages.ts'
export { Supervisor, type SupervisorOptions, WorkersError } from './supervisor.ts'

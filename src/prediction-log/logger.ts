/** Where the log says what goes wrong with it: pino, or what looks like it. */
export interface LogLogger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

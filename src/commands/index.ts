export { COMMANDS, type Command } from './commands.ts'
export { UsageError } from './usage.ts'

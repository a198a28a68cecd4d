export { COMMANDS, type Command, UsageError } from './commands.ts'

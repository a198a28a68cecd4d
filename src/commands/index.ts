export { COMMANDS, type Command } from './commands.ts'
export { helpOf, helpOfCommand } from './help.ts'
export { meant, UsageError } from './usage.ts'

/** As `package.json` has it; a test compares them. */
export const version = "0.0.0"

/** How the first line of a log names its writer. */
export const program = `colloquy ${version}`

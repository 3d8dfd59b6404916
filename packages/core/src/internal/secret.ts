/** What stands where a secret was said: always 32, whatever the secret's length. */
export const secret = "*".repeat(32)

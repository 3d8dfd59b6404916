/**
 * Secrets that come back (P1): whatever a server repeats of what it was told, in whatever form and wherever, two
 * secrets are seen alike, and no piece of either is seen.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { check, echoes, passwords, tokens } from "./secretsEcho.ts"

describe("a secret that the server repeats is not seen", () => {
  for (const mechanism of ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"]) {
    const secret = mechanism.includes("OAUTH") ? tokens : passwords
    it.effect.prop(
      `after ${mechanism}`,
      { one: secret, other: secret, ...echoes },
      ({ one, other, ...echo }) =>
        Effect.map(check({ mechanism, ...echo }, one, other), ({ different, end, pieces }) => {
          assert.deepStrictEqual({ different, pieces }, { different: [], pieces: [] })
          assert.include(end, "_tag: 'Success'", end)
        }),
      { timeout: 60_000, arbitrary: { runs: 40 } }
    )
  }
})

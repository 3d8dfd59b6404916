/**
 * LOGIN: user, then password, each to a prompt of its own. No standard (an expired draft, draft-murchison-sasl-login);
 * old servers know nothing else.
 *
 * The prompts are answered by their order. What they say differs between servers and languages, and some are not base64.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { checkSecret, checkUser, make, type Mechanism, noMoreToSay, refuseFor, type Secret } from "./mechanism.ts"

const name = "LOGIN"

export const login = (options: { readonly user: string; readonly password: Secret }): Mechanism =>
  make<"User" | "Password" | "Done">({
    name,
    cleartext: true,
    secrets: [options.password],
    refusal: refuseFor(name, checkUser(options.user), checkSecret(options.password)),
    start: () => ({ state: "User" }),
    step: (state) => {
      switch (state) {
        case "User":
          return Effect.succeed({ state: "Password", response: Redacted.make(options.user) })
        case "Password":
          return Effect.succeed({ state: "Done", response: options.password })
        case "Done":
          return noMoreToSay(name)
      }
    },
    complete: () => true
  })

/**
 * Secrets, as non-interference (P1): the same conversation with two secrets is seen alike, byte for byte, in every
 * log, error, receipt, span and metric.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { differences, observe, type Run } from "./secrets.ts"
import { cases, channelBinding, endings, fits, pairOf, script } from "./secretsScripts.ts"

/** `run` with each of two secrets. */
export const alike = Effect.fnUntraced(function*(run: (secret: string) => Run, one: string, other: string) {
  const first = yield* observe(run(one))
  const second = yield* observe(run(other))
  for (const place of differences(first, second)) {
    assert.strictEqual(first[place], second[place], place)
  }
  assert.include(first["what the script says of its end"], "_tag: 'Success'", first["what the script says of its end"])
  return first
})

const chunkings = Schema.Literals(["whole", "line", "byte"])

describe("two secrets are seen alike", () => {
  for (const mechanism of cases) {
    it.effect.prop(
      `with ${mechanism.name}`,
      {
        pair: pairOf(mechanism),
        ending: Schema.Literals(endings),
        chunks: chunkings,
        oneLine: Schema.Boolean,
        act: Schema.Literals(["send", "check"])
      },
      ({ act, chunks, ending, oneLine, pair: [one, other] }) =>
        alike(
          (secret) => ({
            act,
            chunks,
            silent: ending === "silence",
            ...(mechanism.bindsChannel === true ? { channelBinding } : {}),
            options: { ...mechanism.options(secret), saslInitialResponse: oneLine },
            script: script(mechanism, ending, { secret, act, oneLine: oneLine && fits(mechanism, secret) })
          }),
          one,
          other
        ),
      { timeout: 60_000, arbitrary: { runs: 16 } }
    )
  }
})

/** What must not compile in these programs, and what the compiler says to it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { errorsOf } from "../compiler.ts"

/** The errors that a program expects, by the reason that it gives. */
const mistakes = Effect.fnUntraced(function*(program: string) {
  const source = readFileSync(new URL(program, import.meta.url), "utf8")
  const errors = yield* errorsOf("test", source.replaceAll(/^ *\/\/ @ts-expect-error.*$/gm, ""), ["node"])
  const lines = source.split("\n")
  return errors.map((error) => {
    const [, at, text = ""] = /^(\d+) TS\d+: ([^]*)$/.exec(error) ?? []
    const expected = lines.slice(0, Number(at)).findLast((line) => line.includes("@ts-expect-error")) ?? ""
    return { reason: expected.replace(/^ *\/\/ @ts-expect-error ?/, ""), text }
  })
})

describe("what does not compile", () => {
  it.live("a log beside the transporter, and a mailing through the wrong one", () =>
    Effect.gen(function*() {
      const [beside, wrong, ...others] = yield* mistakes("application.ts")
      assert.deepStrictEqual(others, [])
      assert.include(beside?.text, beside?.reason)
      assert.include(beside?.reason, "'SmtpLog' is not assignable to type 'never'")
      assert.include(wrong?.text, "Type 'Bulk' is not assignable to type 'Transactional'")
    }), 60_000)

  it.live("a step of the dialogue before its time", () =>
    Effect.gen(function*() {
      const found = yield* mistakes("typedDialogue.ts")
      assert.deepStrictEqual(found.map(({ reason, text }) => [reason, text.split("\n")[0]]), [
        [
          "MAIL before EHLO",
          "Argument of type 'Connected<\"Clear\">' is not assignable to parameter of type 'Authenticated<Channel> | Ready<Channel>'."
        ],
        [
          "AUTH before TLS",
          "Argument of type 'Ready<\"Clear\">' is not assignable to parameter of type 'Ready<\"Tls\">'."
        ],
        [
          "what the server said before TLS is forgotten: EHLO again",
          "Property 'extensions' is missing in type 'Connected<\"Tls\">' but required in type 'Ready<\"Tls\">'."
        ],
        [
          "a second MAIL inside a transaction",
          "Argument of type 'Transaction' is not assignable to parameter of type 'Authenticated<Channel> | Ready<Channel>'."
        ]
      ])
    }), 60_000)
})

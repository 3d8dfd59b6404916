/** Secrets in what the program is given: URLs, files, flags and the environment, right and wrong. Nothing repeats them. */
import * as LogEvent from "@colloquy/core/LogEvent"
import * as Script from "@colloquy/core/testing/Script"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TestConsole } from "effect/testing"
import { memoryFiles } from "../core/memoryFiles.ts"
import { colloquy, Machine, type Ran } from "./run.ts"

/** Alike in what a URL is made of, so that they are told alike. */
const one = "first;s3cret+of%two~"
const other = "other;w0rd+and%six_more~"

const conversation = (secret: string) => `
  S: 220 mail.test ESMTP ${secret}
  C: EHLO client.test
  S: 250-mail.test
  S: 250-X-ECHO ${Buffer.from(secret).toString("hex")}
  S: 250 AUTH PLAIN
  C: AUTH PLAIN ********************************
  S: 535-5.7.8 no ${secret}
  S: 535 5.7.8 nor ${Buffer.from(`\0ann\0${secret}`).toString("base64")}
  C: QUIT
  S: 221 2.0.0 Bye ${encodeURIComponent(secret)}
`
const mail = ["--from", "ann@mail.test", "--to", "bob@mail.test", "--text", "Hi", "--name", "client.test"]
const name = ["--name", "client.test"]

interface Given {
  readonly args: ReadonlyArray<string>
  readonly environment?: Record<string, string>
  readonly file?: string
}

const run = (secret: string, { args, environment, file }: Given): Effect.Effect<Ran> => {
  const files = memoryFiles(["/", "/secrets"])
  if (file !== undefined) files.put("/secrets/password", file)
  let counter = 0
  return colloquy(args, environment).pipe(
    Effect.provide(
      Layer.mergeAll(
        Script.layer(Script.fromText(conversation(secret))),
        Machine.pipe(Layer.merge(files.layer)),
        Layer.fresh(TestConsole.layer)
      )
    ),
    Effect.provideService(LogEvent.Sequence, { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => 1 })
  )
}

const pieces = (secret: string) =>
  [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString("hex"),
    Buffer.from(`\0ann\0${secret}`).toString("base64")
  ]
    .flatMap((form) => Array.from({ length: form.length - 7 }, (_, at) => form.slice(at, at + 8)))

const unseen = (given: (secret: string) => Given, status: number) =>
  Effect.gen(function*() {
    const first = yield* run(one, given(one))
    assert.deepStrictEqual(yield* run(other, given(other)), first)
    for (const piece of pieces(one)) assert.notInclude(first.output + first.errors, piece)
    assert.strictEqual(first.status, status, first.errors)
  })

const encoded = encodeURIComponent

describe("a password is not repeated", () => {
  for (const command of ["send", "check"]) {
    const others = command === "send" ? mail : name
    for (const more of [[], ["--json"], ["--log", "-"]]) {
      it.effect.each<readonly [string, number, (secret: string) => Given]>([
        ["in the URL", 77, (secret) => ({ args: ["--server", `smtps://ann:${encoded(secret)}@mail.test`] })],
        ["from the environment", 77, (secret) => ({
          args: ["--server", "smtps://ann@mail.test"],
          environment: { COLLOQUY_PASSWORD: secret }
        })],
        ["from a file", 77, (secret) => ({
          args: ["--server", "smtps://ann@mail.test", "--password-file", "/secrets/password"],
          file: `${secret}\n`
        })],
        ["from a file with two lines", 78, (secret) => ({
          args: ["--server", "smtps://ann@mail.test", "--password-file", "/secrets/password"],
          file: `${secret}\n${secret}\n`
        })],
        ["in a token that the server does not take", 77, (secret) => ({
          args: ["--server", "smtps://ann@mail.test", "--auth", "XOAUTH2"],
          environment: { COLLOQUY_PASSWORD: `${secret} ` }
        })]
      ])(`by ${[command, ...more].join(" ")}: %s`, ([, status, given]) =>
        unseen((secret) => {
          const { args, ...rest } = given(secret)
          return { ...rest, args: [command, ...args, ...others, ...more] }
        }, status))
    }
  }

  it.effect.each<readonly [string, (secret: string) => string]>([
    ["without scheme", (secret) => `ann:${secret}@mail.test`],
    ["of another scheme", (secret) => `http://ann:${encoded(secret)}@mail.test`],
    ["without host", (secret) => `smtps://ann:${secret}`],
    ["with a wrong port", (secret) => `smtps://ann:${encoded(secret)}@mail.test:77777`],
    ["with a ? in the password", (secret) => `smtp://ann:1?${secret}@mail.test`],
    ["with a # in the password", (secret) => `smtp://ann:1#${secret}@mail.test`],
    ["with a / in the password", (secret) => `smtp://ann:1/${secret}@mail.test`],
    ["with a bad %", (secret) => `smtps://ann:%zz${encoded(secret)}@mail.test`],
    ["with an unknown parameter", (secret) => `smtps://ann@mail.test?pass=${encoded(secret)}`],
    ["with a password for a parameter", (secret) => `smtps://ann@mail.test?${encoded(secret)}`]
  ])("of a URL %s", ([, url]) =>
    Effect.forEach(
      [[], ["--json"]],
      (more) => unseen((secret) => ({ args: ["check", "--server", url(secret), ...name, ...more] }), 78),
      { discard: true }
    ))

  it.effect.each<readonly [string, (secret: string) => ReadonlyArray<string>]>([
    ["behind a flag that is none", (secret) => ["check", "--server", "smtps://mail.test", "--password", secret]],
    ["in a flag that is none", (secret) => ["check", "--server", "smtps://mail.test", `--password=${secret}`]],
    [
      "in an argument too many",
      (secret) => ["check", "--server", "smtps://mail.test", `smtps://ann:${encoded(secret)}@mail.test`]
    ],
    ["without the flag in front", (secret) => ["check", `smtps://ann:${encoded(secret)}@mail.test`]],
    ["in the place of a command", (secret) => [`smtps://ann:${encoded(secret)}@mail.test`]],
    [
      "in the place of a number",
      (secret) => ["check", "--server", "smtps://mail.test", "--timeout", `smtps://ann:${encoded(secret)}@mail.test`]
    ],
    [
      "in the place of a choice",
      (secret) => ["check", "--server", "smtps://mail.test", "--tls", `smtps://ann:${encoded(secret)}@mail.test`]
    ],
    ["behind a letter", (secret) => [
      "check",
      "--server",
      "smtps://mail.test",
      // without -h and -v, which mean something
      `-p${secret.replaceAll(/[hv]/g, "")}`
    ]],
    ["in a URL that was cut by a blank", (secret) => ["check", "--server", "smtps://ann:x", `${secret}@mail.test`]]
  ])("%s", ([, args]) => unseen((secret) => ({ args: args(secret) }), 64))

  it.effect("which is a file's name by mistake, is the user's to see; what a file holds is not", () =>
    Effect.gen(function*() {
      const { errors, status } = yield* run(one, {
        args: ["check", "--server", "smtps://ann@mail.test", "--ca", "/secrets/password"],
        file: `${one}\n`
      })
      assert.notStrictEqual(status, 0)
      assert.notInclude(errors, "first;")
    }))
})

import * as CaptureServer from "@colloquy/core/testing/CaptureServer"
import * as Script from "@colloquy/core/testing/Script"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { colloquy, Machine } from "./run.ts"

const server = ["--server", "smtp://mail.test?tls=none", "--name", "client.test"]
const mail = ["--from", "ann@mail.test", "--to", "bob@mail.test"]

const send = (script: string, args: ReadonlyArray<string>, environment?: Record<string, string>) =>
  colloquy(["send", ...args], environment).pipe(
    Effect.provide(Layer.merge(Script.layer(Script.fromText(script)), Machine))
  )

const opening = `
  S: 220 mail.test ESMTP
  C: EHLO client.test
  S: 250 mail.test
  C: MAIL FROM:<ann@mail.test>
  S: 250 2.1.0 Ok
  C: RCPT TO:<bob@mail.test>
`
const closing = `
  C: QUIT
  S: 221 2.0.0 Bye
`
const delivered = `${opening}
  S: 250 2.1.5 Ok
  C: DATA
  S: 354 Go on
  -- content
  S: 250 2.0.0 Ok: queued as 4D2F1\u001b[31m
  ${closing}
`

describe("colloquy send", () => {
  it.effect("tells what became of the message for each recipient, and lets no server text drive the terminal", () =>
    Effect.gen(function*() {
      const ran = yield* send(delivered, [...server, ...mail, "--subject", "Hi", "--text", "Hi"])
      assert.deepStrictEqual(ran, {
        status: 0,
        output: [
          String.raw`The server has the message: 250 2.0.0 Ok: queued as 4D2F1\x1B[31m`,
          "  bob@mail.test  accepted  250 2.1.5 Ok",
          String.raw`Queued there as 4D2F1\x1B[31m`
        ].join("\n"),
        errors: ""
      })
    }))

  it.effect("ends with 67 when a recipient was refused and another was not", () =>
    Effect.gen(function*() {
      const ran = yield* send(
        `${opening}
        S: 250 2.1.5 Ok
        C: RCPT TO:<eve@mail.test>
        S: 550 5.1.1 No such user
        C: DATA
        S: 354 Go on
        -- content
        S: 250 2.0.0 Ok: queued as 4D2F1
        ${closing}`,
        [...server, ...mail, "--to", "eve@mail.test", "--text", "Hi"]
      )
      assert.deepStrictEqual(ran, {
        status: 67,
        output: [
          "The server has the message: 250 2.0.0 Ok: queued as 4D2F1",
          "  bob@mail.test  accepted  250 2.1.5 Ok",
          "  eve@mail.test  refused  550 5.1.1 No such user",
          "Queued there as 4D2F1"
        ].join("\n"),
        errors: ""
      })
    }))

  it.effect.each([
    ["the flags say who", ["--from", "Ann <ann@mail.test>", "--to", "Bob <bob@mail.test>"], ["bob@mail.test"]],
    ["its header section says who", [], ["eve@mail.test", "zoe@mail.test"]]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<string>]>)(
    "takes a message as it is from standard input, where %s",
    ([, who, to]) =>
      Effect.gen(function*() {
        const content = "From: ann@mail.test\r\nTo: eve@mail.test\r\nCc: zoe@mail.test\r\n\r\n.dot\r\n"
        const ran = yield* colloquy(["send", ...server, ...who, "--raw", "-"]).pipe(
          Effect.provide(Stdio.layerTest({ stdin: Stream.make(new TextEncoder().encode(content)) }))
        )
        assert.strictEqual(ran.status, 0, ran.errors)
        const { envelope, text } = yield* CaptureServer.CaptureServer.use((capture) => capture.take)
        assert.deepStrictEqual([envelope.from, envelope.to, text], ["ann@mail.test", to, content])
      }).pipe(Effect.provide(Layer.mergeAll(CaptureServer.layerMemory(), Machine, NodeFileSystem.layer)))
  )

  it.effect("ends with 79 when the connection breaks after the final dot", () =>
    Effect.gen(function*() {
      const ran = yield* send(
        `${opening}
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 Go on
        -- content
        -- close`,
        [...server, ...mail, "--text", "Hi"]
      )
      assert.strictEqual(ran.status, 79)
      assert.include(ran.errors, "  bob@mail.test  unknown\n")
      assert.include(ran.errors, "Exit status 79: the outcome is unknown")
    }))

  it.effect("prints one line of JSON when it is asked to, also of a failure", () =>
    Effect.gen(function*() {
      const refused = yield* send(`${opening}\nS: 450 4.2.1 Busy\n${closing}`, [
        ...server,
        ...mail,
        "--text",
        "Hi",
        "--json"
      ])
      assert.deepStrictEqual([refused.status, refused.errors], [75, ""])
      const { error, status } = JSON.parse(refused.output)
      assert.deepStrictEqual([status, error.reason, error.phase, error.delivery, error.isRetryable, error.reply], [
        75,
        "RecipientsRefused",
        "rcpt",
        "NotAccepted",
        true,
        { code: 450, enhanced: "4.2.1", lines: ["4.2.1 Busy"] }
      ])
    }))

  it.effect("prints the outcome as JSON", () =>
    Effect.gen(function*() {
      const ran = yield* send(delivered, [...server, ...mail, "--text", "Hi", "--json"])
      const { receipt, status } = JSON.parse(ran.output)
      assert.deepStrictEqual([status, receipt.recipients[0]._tag], [0, "Accepted"])
      assert.notInclude(ran.output, "\u001b")
    }))

  it.effect("shows the conversation as it happens, once", () =>
    Effect.gen(function*() {
      const ran = yield* send(`${opening}\nS: 550 5.1.1 No such user\n${closing}`, [
        ...server,
        ...mail,
        "--text",
        "Hi",
        "--log",
        "-"
      ])
      assert.strictEqual(ran.status, 67)
      assert.strictEqual(ran.errors.split(`S < "550 5.1.1 No such user"`).length, 2, ran.errors)
      assert.notInclude(ran.errors, "\u001b")
    }))

  it.effect.each([
    ["no recipient", [...server, "--from", "ann@mail.test", "--text", "Hi"]],
    ["no message", [...server, ...mail]],
    ["two messages", [...server, ...mail, "--raw", "-", "--text", "Hi"]],
    ["a flag that is none", [...server, ...mail, "--text", "Hi", "--colour"]],
    ["a time that is none", [...server, ...mail, "--text", "Hi", "--timeout", "soon"]]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<string>]>)(
    "ends with 64 for %s",
    ([, args]) =>
      Effect.gen(function*() {
        const ran = yield* send("", args)
        assert.strictEqual(ran.status, 64)
        assert.match(ran.errors, /^colloquy: .*\nTry .*--help/)
        assert.strictEqual(ran.output, "")
      })
  )

  it.effect("repeats no password, where it can't make sense of the arguments", () =>
    Effect.gen(function*() {
      const misplaced = yield* send("", ["smtps://ann:s3cret-words@mail.test", ...mail])
      assert.strictEqual(misplaced.status, 64)
      assert.notInclude(JSON.stringify(misplaced), "s3cret")
    }))

  it.effect("repeats no password, where the URL is none", () =>
    Effect.gen(function*() {
      const ran = yield* send("", ["--server", "smtps://ann:s3cret-words@mail test:x", ...mail, "--text", "Hi"])
      assert.strictEqual(ran.status, 78)
      assert.notInclude(JSON.stringify(ran), "s3cret")
    }))
})

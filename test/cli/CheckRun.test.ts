import * as Script from "@colloquy/core/testing/Script"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import { colloquy, Machine } from "./run.ts"

const check = (
  script: string,
  args: ReadonlyArray<string>,
  options: { readonly environment?: Record<string, string>; readonly terminal?: boolean } = {}
) =>
  colloquy(["check", "--name", "client.test", ...args], options.environment).pipe(
    Effect.provide(Layer.mergeAll(
      Script.layer(Script.fromText(script)),
      Machine,
      NodeFileSystem.layer,
      Stdio.layerTest({ stderrIsTerminal: Effect.succeed(options.terminal ?? false) })
    ))
  )

const plain = `
  S: 220 mail.test ESMTP
  C: EHLO client.test
  S: 250-mail.test
  S: 250 SIZE 1000
  C: QUIT
  S: 221 Bye
`
const login = `
  S: 220 mail.test ESMTP
  C: EHLO client.test
  S: 250-mail.test
  S: 250 AUTH PLAIN
  C: AUTH PLAIN ********************************
`
const accepted = `${login}
  S: 235 2.7.0 Welcome
  C: QUIT
  S: 221 Bye
`
const refused = `${login}
  S: 535 5.7.8 Wrong \u001b[2J
  C: QUIT
  S: 221 Bye
`
const clear = ["--server", "smtp://mail.test?tls=none"]
const secure = ["--server", "smtps://ann@mail.test"]
const environment = { COLLOQUY_PASSWORD: "s3cret-words" }

const refuse = (kind: string) =>
  check(`-- refuse {"_tag":"ConnectionFailed","kind":"${kind}","host":"mail.test","port":587,"attempts":[]}`, clear)

describe("colloquy check", () => {
  it.effect("tells the steps and a verdict, and sends nothing", () =>
    Effect.gen(function*() {
      const ran = yield* check(accepted, secure, { environment })
      assert.deepStrictEqual(ran, {
        status: 0,
        output: [
          "           server       mail.test, port 465, TLS from the start",
          "     0 ms  connect      203.0.113.25, port 465",
          "     0 ms  tls          TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified for mail.test",
          "     0 ms  greeting     220 mail.test ESMTP",
          "     0 ms  ehlo         as client.test",
          "           extension    AUTH PLAIN",
          "     0 ms  auth         PLAIN: 235 2.7.0 Welcome",
          "           verdict      the server can be used; it takes the login (PLAIN); nothing was sent"
        ].join("\n"),
        errors: ""
      })
    }))

  it.effect("tells as much as there was, and why it ended", () =>
    Effect.gen(function*() {
      const { errors, output, status } = yield* check(refused, secure, { environment })
      assert.strictEqual(status, 77)
      assert.deepStrictEqual(output.split("\n").slice(-2), [
        String.raw`     0 ms  auth         PLAIN: 535 5.7.8 Wrong \x1B[2J`,
        "           verdict      the server can't be used like this (AuthenticationFailed, phase auth); nothing was sent"
      ])
      assert.include(errors, String.raw`  S < "535 5.7.8 Wrong \x1b[2J"`)
      assert.include(errors, "Exit status 77: the login was refused or is not possible.")
      assert.notInclude(output + errors, "s3cret")
      assert.notInclude(output + errors, "\u001b")
    }))

  it.effect("says when nothing is encrypted and nobody logged in", () =>
    Effect.gen(function*() {
      const { output, status } = yield* check(plain, clear)
      assert.strictEqual(status, 0)
      assert.include(output, "the connection is not encrypted; no login was asked for; nothing was sent")
    }))

  it.effect("prints the same as one line of JSON", () =>
    Effect.gen(function*() {
      const { errors, output, status } = yield* check(refused, [...secure, "--json"], { environment })
      const { error, status: told, steps } = JSON.parse(output)
      assert.deepStrictEqual([status, told, errors], [77, 77, ""])
      assert.deepStrictEqual(steps.map(({ step }: { readonly step: string }) => step), [
        "server",
        "connect",
        "tls",
        "greeting",
        "ehlo",
        "auth"
      ])
      assert.strictEqual(error.reason, "AuthenticationFailed")
      assert.notInclude(output, "s3cret")
      assert.notInclude(output, "\u001b")
      assert.strictEqual(output.split("\n").length, 1)
    }))

  it.effect("leaves TLS to the URL where only a certificate is given", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      yield* fs.writeFileString(file, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
      const ran = yield* check(accepted, [...secure, "--ca", file], { environment })
      assert.include(ran.output, "mail.test, port 465, TLS from the start", ran.errors)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.effect("ends with 68 for a host that is not known, and with 69 where nothing listens", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual([(yield* refuse("HostNotFound")).status, (yield* refuse("Refused")).status], [68, 69])
    }))

  it.effect("shows the conversation in colours at a terminal only, and not under NO_COLOR", () =>
    Effect.gen(function*() {
      const ran = yield* check(plain, [...clear, "--log", "-"], { terminal: true })
      const errors = ran.errors.replaceAll("\u001b", "<ESC>")
      assert.match(errors, /^<ESC>\[90m\d+ .* ### SMTP Connecting to .*<ESC>\[0m$/m)
      assert.match(errors, /^<ESC>\[32m\d+ .* S < "220 mail\.test ESMTP"<ESC>\[0m$/m)
      assert.match(errors, /^<ESC>\[36m\d+ .* C > "EHLO client\.test"<ESC>\[0m$/m)
    }))

  it.effect.each([
    ["a pipe", { terminal: false }],
    ["NO_COLOR", { terminal: true, environment: { NO_COLOR: "1" } }],
    ["a terminal without colours", { terminal: true, environment: { TERM: "dumb" } }]
  ] as ReadonlyArray<readonly [string, { readonly terminal: boolean; readonly environment?: Record<string, string> }]>)(
    "uses no colours for %s",
    ([, options]) =>
      Effect.gen(function*() {
        const { errors } = yield* check(plain, [...clear, "--log", "-"], options)
        assert.include(errors, `C > "EHLO client.test"`)
        assert.notInclude(errors, "\u001b")
      })
  )
})

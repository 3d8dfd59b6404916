import { InputFailed } from "@colloquy/cli/report"
import * as ServerOptions from "@colloquy/cli/serverOptions"
import { assert, describe, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Terminal from "effect/Terminal"
import { TestConsole } from "effect/testing"

const none: Omit<ServerOptions.Input, "server"> = {
  passwordFile: Option.none(),
  tls: Option.none(),
  ca: Option.none(),
  auth: Option.none(),
  proxy: Option.none(),
  name: Option.none(),
  timeout: Option.none()
}

const files: Record<string, string> = {
  "unix.txt": "pencil \n",
  "windows.txt": "pencil\r\n",
  "two.txt": "pencil\n\n",
  "bare.txt": "pencil",
  "ca.pem": "-----BEGIN CERTIFICATE-----"
}

const terminal = (parts: Partial<Terminal.Terminal>) =>
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.never,
      readInput: Effect.never,
      readLine: Effect.never,
      display: () => Effect.void,
      ...parts
    })
  )

const Machine = Layer.mergeAll(
  FileSystem.layerNoop({
    readFileString: (path) =>
      files[path] === undefined
        ? Effect.fail(PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "readFileString" }))
        : Effect.succeed(files[path])
  }),
  Path.layer,
  terminal({})
)

const resolve = (
  server: string,
  input: Partial<ServerOptions.Input> = {},
  environment: Record<string, string> = {}
) =>
  ServerOptions.resolve({ ...none, server: Redacted.make(server), ...input }).pipe(
    Effect.provide(Machine),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
    Effect.provideService(TerminalCapabilities.TerminalCapabilities, {
      canColor: false,
      canAnimate: false,
      canPrompt: false
    })
  )

const passwordOf = (options: { readonly password?: unknown }) =>
  Redacted.isRedacted(options.password) ? Redacted.value(options.password) : options.password

describe("the flags of a server", () => {
  it.effect("leave to the URL what they do not say", () =>
    Effect.gen(function*() {
      const options = yield* resolve("smtp://mail.test")
      assert.deepStrictEqual(Object.keys(options), ["url", "keepAlive"])
      assert.deepStrictEqual(yield* TestConsole.errorLines, [])
    }))

  it.effect("become the transporter's options", () =>
    Effect.gen(function*() {
      const { url: _, ...options } = yield* resolve("smtp://mail.test", {
        tls: Option.some("required"),
        ca: Option.some("ca.pem"),
        auth: Option.some("PLAIN"),
        name: Option.some("client.test"),
        timeout: Option.some(Duration.minutes(2))
      })
      assert.deepStrictEqual(options, {
        tls: { mode: "required", ca: "-----BEGIN CERTIFICATE-----" },
        authenticationMode: "PLAIN",
        name: "client.test",
        sendTimeOut: Duration.minutes(2),
        connectionTimeOut: Duration.seconds(30),
        keepAlive: false
      })
    }))

  it.effect("cut the time to connect as well when the time is short", () =>
    Effect.gen(function*() {
      const options = yield* resolve("smtp://mail.test", { timeout: Option.some(Duration.seconds(5)) })
      assert.deepStrictEqual([options.sendTimeOut, options.connectionTimeOut], [
        Duration.seconds(5),
        Duration.seconds(5)
      ])
    }))

  it.effect.each([["unix.txt", "pencil "], ["windows.txt", "pencil"], ["two.txt", "pencil\n"], ["bare.txt", "pencil"]])(
    "take one line end off the password in %s",
    ([path = "", password = ""]) =>
      Effect.gen(function*() {
        const options = yield* resolve("smtp://ann@mail.test", { passwordFile: Option.some(path) })
        assert.strictEqual(passwordOf(options), password)
      })
  )

  it.effect("prefer the password file to the environment, and both to the URL", () =>
    Effect.gen(function*() {
      const environment = { COLLOQUY_PASSWORD: "from the environment" }
      const url = "smtp://ann:from-the-url@mail.test"
      const ofFile = yield* resolve(url, { passwordFile: Option.some("unix.txt") }, environment)
      const ofEnvironment = yield* resolve(url, {}, environment)
      assert.deepStrictEqual([ofFile, ofEnvironment].map(passwordOf), ["pencil ", "from the environment"])
      assert.deepStrictEqual(yield* TestConsole.errorLines, [])
    }))

  it.effect("keep the environment's password from a server without a user", () =>
    Effect.gen(function*() {
      const options = yield* resolve("smtp://mail.test", {}, { COLLOQUY_PASSWORD: "of another server" })
      assert.isUndefined(options.password)
    }))

  it.effect("warn of a password in the URL, without showing it", () =>
    Effect.gen(function*() {
      const options = yield* resolve("smtp://ann:s3cret-words@mail.test")
      assert.isUndefined(options.password)
      assert.deepStrictEqual(yield* TestConsole.errorLines, [
        "colloquy: the password in the URL shows in the list of processes; --password-file or COLLOQUY_PASSWORD hide it."
      ])
      assert.notInclude(JSON.stringify(options), "s3cret")
    }))

  it.effect("use the secret as a token for OAuth", () =>
    Effect.gen(function*() {
      const options = yield* resolve("smtp://ann@mail.test", { auth: Option.some("xoauth2") }, {
        COLLOQUY_PASSWORD: "t"
      })
      assert.isUndefined(options.password)
      assert.isTrue(Redacted.isRedacted(options.accessTokenOAuth2))
    }))

  it.effect("use the URL's secret as a token for OAuth, percent-decoded", () =>
    Effect.gen(function*() {
      const { accessTokenOAuth2: token } = yield* resolve("smtp://ann:a%2Fb@mail.test", {
        auth: Option.some("OAUTHBEARER")
      })
      assert.strictEqual(Redacted.isRedacted(token) ? Redacted.value(token) : token, "a/b")
    }))

  it.effect("name the file that can't be read", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(resolve("smtp://ann@mail.test", { passwordFile: Option.some("missing.txt") }))
      assert.deepStrictEqual(error, new InputFailed({ path: "missing.txt", problem: "there is no such file" }))
    }))

  it.effect("ask for the password at a terminal, where the URL has a user alone, and do not show it", () =>
    Effect.gen(function*() {
      const shown: Array<string> = []
      const typed = yield* Queue.unbounded<Terminal.UserInput, Cause.Done>()
      for (const name of ["p", "e", "n", "enter"]) {
        yield* Queue.offer(typed, {
          input: name === "enter" ? Option.some("\r") : Option.some(name),
          key: { name, ctrl: false, meta: false, shift: false }
        })
      }
      const person = terminal({
        readInput: Effect.succeed(typed),
        display: (text) => Effect.sync(() => void shown.push(text))
      })
      const options = yield* ServerOptions.resolve({ ...none, server: Redacted.make("smtp://ann@mail.test") }).pipe(
        Effect.provide(Layer.merge(Machine, person)),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: {} })),
        Effect.provideService(TerminalCapabilities.TerminalCapabilities, {
          canColor: false,
          canAnimate: false,
          canPrompt: true
        })
      )
      assert.strictEqual(passwordOf(options), "pen")
      assert.include(shown.join(""), "Password")
      assert.notInclude(shown.join(""), "pen")
    }))
})

describe("--timeout", () => {
  it.each([
    ["30", Duration.seconds(30)],
    ["30s", Duration.seconds(30)],
    ["500ms", Duration.millis(500)],
    ["2m", Duration.minutes(2)],
    ["1.5 h", Duration.minutes(90)]
  ])("reads %s", (text, duration) => {
    assert.deepStrictEqual(ServerOptions.parseTimeout(text), Option.some(duration))
  })

  it.each(["", "0", "0s", "-1", "soon", "1d", "1e9", "99999999999"])("refuses %j", (text) => {
    assert.deepStrictEqual(ServerOptions.parseTimeout(text), Option.none())
  })
})

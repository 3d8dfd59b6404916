import { Connector, type Target } from "@colloquy/core/Connector"
import * as SmtpError from "@colloquy/core/SmtpError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { colloquy, Machine } from "./run.ts"

/** A proxy that refuses, and says why with the login that it was given. */
const refusing = Effect.fnUntraced(function*(args: ReadonlyArray<string>, environment: Record<string, string>) {
  const dialled: Array<Target> = []
  let asked = ""
  const connector = Connector.of({
    connect: (target) =>
      Effect.sync(() => {
        dialled.push(target)
        return {
          pull: Effect.sync(() => {
            const login = /Basic (\S+)/.exec(asked)?.[1] ?? ""
            const answer = `HTTP/1.1 403 Forbidden ${login} ${Buffer.from(login, "base64").toString()}\r\n\r\n`
            return [new Uint8Array(Buffer.from(answer))] as const
          }),
          writeAll: (chunks) => Effect.sync(() => void (asked += chunks.map((chunk) => Buffer.from(chunk)).join(""))),
          upgrade: () => new SmtpError.TlsFailed({ kind: "Handshake" }),
          tls: undefined,
          address: undefined,
          localAddress: undefined,
          channelBinding: undefined
        }
      })
  })
  const ran = yield* colloquy(args, environment).pipe(
    Effect.provide(Layer.merge(Machine, Layer.succeed(Connector, connector)))
  )
  return { ...ran, dialled, asked }
})

const server = ["--server", "smtps://mail.test"]
const password = "vexing-quartz"
const url = `http://ann:${password}@proxy.test:3128`

describe("--proxy", () => {
  for (
    const command of [["check"], ["check", "--json"], ["check", "--log", "-"], [
      "send",
      "--from",
      "a@b.test",
      "--to",
      "c@d.test",
      "--text",
      "Hi"
    ]]
  ) {
    it.effect(`dials the proxy, and tells its words without the password: ${command.slice(0, 3).join(" ")}`, () =>
      Effect.gen(function*() {
        const ran = yield* refusing([...command, ...server], { COLLOQUY_PROXY: url })
        assert.deepStrictEqual(ran.dialled, [{ host: "proxy.test", port: 3128 }])
        assert.match(ran.asked, /^CONNECT mail\.test:465 HTTP\/1\.1\r\n/)
        const told = ran.output + ran.errors
        assert.include(told, "403 Forbidden ********************************")
        assert.notInclude(told, password)
        assert.notInclude(told, Buffer.from(`ann:${password}`).toString("base64"))
        assert.strictEqual(ran.status, 69)
      }))
  }

  it.effect("goes before the environment, and warns of a password that others can see", () =>
    Effect.gen(function*() {
      const { dialled, errors } = yield* refusing(["check", ...server, "--proxy", url.replace("proxy", "nearer")], {
        COLLOQUY_PROXY: url
      })
      assert.deepStrictEqual(dialled, [{ host: "nearer.test", port: 3128 }])
      assert.include(errors, "the proxy's password shows in the list of processes")
      assert.notInclude(errors, password)
    }))

  it.effect("that cannot be is a wrong configuration, told without what was given", () =>
    Effect.gen(function*() {
      const { dialled, errors, output, status } = yield* refusing(
        ["check", ...server, "--proxy", `https://ann:${password}@proxy.test`],
        {}
      )
      assert.strictEqual(status, 78)
      assert.deepStrictEqual(dialled, [])
      assert.include(errors, "the option proxy cannot be used: its scheme is none of http, socks5")
      assert.notInclude(output + errors, password)
    }))

  it.effect("is not used where the environment's is empty", () =>
    Effect.gen(function*() {
      const { dialled } = yield* refusing(["check", "--server", "smtp://mail.test?tls=none"], { COLLOQUY_PROXY: "" })
      assert.deepStrictEqual(dialled.map((target) => "host" in target ? target.host : ""), ["mail.test"])
    }))
})

import { SmtpLog, Transporter } from "@colloquy/core"
import { Script, TestPlatform } from "@colloquy/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem, Layer } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { generateKeyPairSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { consented, google, microsoft } from "./oauth2.ts"

const ehlo = Script.on(/^EHLO /, "250-mail.test", "250-STARTTLS", "250 AUTH XOAUTH2")
const login = [Script.on(`AUTH XOAUTH2 ${"*".repeat(32)}`, "235 Ok"), Script.bye]
const implicit = [Script.greet("220 mail.test"), ehlo, ...login]
const startTls = [Script.greet("220 mail.test"), ehlo, Script.on("STARTTLS", "220 Go"), Script.startTls, ehlo, ...login]

const file = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8")

/** Files, a token endpoint and a mail server, none of them real. */
const world = () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  const files = new Map([
    ["refresh-token", "refresh-0"],
    [
      "service-account.json",
      JSON.stringify({
        client_email: "mailer@project.iam.gserviceaccount.com",
        private_key: privateKey.export({ format: "pem", type: "pkcs8" })
      })
    ]
  ])
  const asked: Array<string> = []
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      const { client_id: id, grant_type: type } = Object.fromEntries(new URLSearchParams(body))
      asked.push([url.href, type?.split(":").at(-1), ...(id === undefined ? [] : [id])].join(" "))
      const answer = { access_token: "token", token_type: "Bearer", expires_in: 3600, refresh_token: "refresh-1" }
      return HttpClientResponse.fromWeb(request, new Response(JSON.stringify(answer)))
    })
  )
  const disk = FileSystem.layerNoop({
    readFileString: (path) => Effect.sync(() => files.get(path) ?? ""),
    writeFileString: (path, text) => Effect.sync(() => void files.set(path, text))
  })
  const layer = Layer.mergeAll(Layer.succeed(HttpClient.HttpClient, client), SmtpLog.layerNone, disk)
  return { asked, files, layer: Layer.provideMerge(layer, TestPlatform.layer) }
}

describe("a transporter with OAuth2", () => {
  for (
    const [name, program, script, asked] of [
      ["Google Workspace", google, implicit, "https://oauth2.googleapis.com/token jwt-bearer"],
      [
        "Microsoft 365",
        microsoft,
        startTls,
        "https://login.microsoftonline.com/example.onmicrosoft.com/oauth2/v2.0/token client_credentials app"
      ],
      [
        "a user who consented",
        consented,
        startTls,
        "https://login.microsoftonline.com/common/oauth2/v2.0/token refresh_token app"
      ]
    ] as const
  ) {
    it.effect(`logs in with a token that it asked for: ${name}`, () => {
      const { asked: requests, files, layer } = world()
      return Effect.gen(function*() {
        const report = yield* Transporter.checkConnection
        assert.strictEqual(report.mechanism, "XOAUTH2")
        assert.deepStrictEqual(requests, [asked])
        assert.strictEqual(files.get("refresh-token"), program === consented ? "refresh-1" : "refresh-0")
      }).pipe(
        Effect.provide(program.pipe(Layer.provideMerge(Script.layer(script)), Layer.provideMerge(layer))),
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({ CLIENT_ID: "app", CLIENT_SECRET: "s3cret" })
        )
      )
    })
  }

  it("is in the guide as it is here", () => {
    const blocks = [...file("../../docs/oauth2.md").matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code)
    assert.lengthOf(blocks, 3)
    for (const block of blocks) assert.include(file("./oauth2.ts"), block)
  })
})

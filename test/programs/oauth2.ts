import { OAuth2, Transporter } from "@colloquy/core"
import { Config, Effect, FileSystem, Layer, Redacted } from "effect"

// The transporter of a Google Workspace mailbox, by a service account.
export const google = Layer.unwrap(Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const provider = yield* OAuth2.google({
    serviceAccount: Redacted.make(yield* fs.readFileString("service-account.json")),
    user: "ann@example.com"
  })
  return Transporter.layer({
    url: Redacted.make("smtps://smtp.gmail.com"),
    user: "ann@example.com",
    accessTokenOAuth2: provider.accessToken
  })
}))

// The transporter of a Microsoft 365 mailbox, by an application with a secret.
export const microsoft = Layer.unwrap(Effect.gen(function*() {
  const provider = yield* OAuth2.microsoft({
    tenant: "example.onmicrosoft.com",
    clientId: yield* Config.String("CLIENT_ID"),
    clientSecret: yield* Config.Redacted("CLIENT_SECRET")
  })
  return Transporter.layer({
    url: Redacted.make("smtp://smtp.office365.com"),
    user: "ann@example.com",
    accessTokenOAuth2: provider.accessToken
  })
}))

// In the name of a user who consented once; Microsoft gives a new refresh token each time, others may.
export const consented = Layer.unwrap(Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const provider = yield* OAuth2.refreshToken({
    tokenEndpoint: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    clientId: yield* Config.String("CLIENT_ID"),
    scope: "https://outlook.office.com/SMTP.Send offline_access",
    refreshToken: Redacted.make(yield* fs.readFileString("refresh-token")),
    onRefreshToken: (next) => fs.writeFileString("refresh-token", Redacted.value(next), { mode: 0o600 })
  })
  return Transporter.layer({
    url: Redacted.make("smtp://smtp-mail.outlook.com"),
    user: "ann@outlook.example",
    accessTokenOAuth2: provider.accessToken
  })
}))

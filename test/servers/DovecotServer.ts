/**
 * Dovecot: LMTP into a Maildir of its own, and submission over TLS that hands what it takes to the Postfix of this run.
 * Submission is here for the mechanisms that Postfix lacks: OAUTHBEARER and XOAUTH2 with a token made at the start,
 * EXTERNAL with the client's certificate.
 *
 * The configuration is in the language of Dovecot 2.3; 2.4 has another one, and is refused with a sentence.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { createHmac, randomBytes } from "node:crypto"
import type { Certificates } from "../node/certificates.ts"
import * as Machine from "./Machine.ts"
import { PostfixServer } from "./PostfixServer.ts"

export class DovecotServer extends Context.Service<DovecotServer, {
  readonly host: string
  readonly lmtpPort: number
  readonly lmtpMaildir: string
  /** Submission, TLS from the start; what it takes ends in Postfix's Maildir. */
  readonly submissionPort: number
  readonly certificates: Certificates
  readonly user: string
  readonly password: string
  /** Good for an hour. */
  readonly token: string
  readonly domain: string
}>()("@colloquy/test/servers/DovecotServer") {}

const base64url = (value: string | Buffer) => Buffer.from(value).toString("base64url")

/** A JSON Web Token (RFC 7519) signed with HMAC-SHA-256. */
const jsonWebToken = (secret: string, user: string, now: number) => {
  const head = base64url(JSON.stringify({ alg: "HS256", typ: "JWT" }))
  const claims = base64url(JSON.stringify({ sub: user, iat: now - 60, nbf: now - 60, exp: now + 3600 }))
  return `${head}.${claims}.${base64url(createHmac("sha256", secret).update(`${head}.${claims}`).digest())}`
}

const owner = "mail"

interface Place {
  readonly at: (name: string) => string
  readonly domain: string
  readonly user: string
  readonly lmtpPort: number
  readonly submissionPort: number
  readonly relayPort: number
}

const configuration = ({ at, domain, lmtpPort, relayPort, submissionPort, user }: Place) => `
base_dir = ${at("run")}
state_dir = ${at("state")}
log_path = ${at("log")}
protocols = lmtp submission
listen = ${Machine.host}
hostname = mx.${domain}
ssl = required
ssl_cert = <${at("server.pem")}
ssl_key = <${at("server-key.pem")}
ssl_ca = <${at("ca.pem")}
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
auth_failure_delay = 0
auth_mechanisms = plain login oauthbearer xoauth2 external
mail_uid = ${owner}
mail_gid = ${owner}
first_valid_uid = 1
first_valid_gid = 1
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = ${at("oauth2.conf")}
}
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y user=${user}
}
passdb {
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN ${at("users")}
}
userdb {
  driver = static
  args = uid=${owner} gid=${owner} home=${at("home")} mail=maildir:${at("Maildir")} allow_all_users=yes
}
submission_relay_host = ${Machine.host}
submission_relay_port = ${relayPort}
submission_relay_trusted = no
submission_backend_capabilities = 8BITMIME SIZE
service submission-login {
  inet_listener submission {
    port = 0
  }
  inet_listener submissions {
    address = ${Machine.host}
    port = ${submissionPort}
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = ${Machine.host}
    port = ${lmtpPort}
  }
}
protocol lmtp {
  postmaster_address = postmaster@${domain}
}
`

const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { certificates, domain, host, password, port: relayPort, user } = yield* PostfixServer
  yield* Machine.packages("dovecot-core", "dovecot-lmtpd", "dovecot-submissiond")
  const version = yield* Machine.run("dovecot", ["--version"])
  if (!version.startsWith("2.3.")) {
    return yield* new Machine.Unavailable({
      message: `These tests configure Dovecot 2.3, and this machine's is ${version.trim()}.`
    })
  }
  const folder = yield* Machine.folder("dovecot")
  const at = (name: string) => path.join(folder, name)
  const lmtpPort = yield* Machine.freePort
  const submissionPort = yield* Machine.freePort
  const secret = randomBytes(32).toString("hex")
  for (const name of ["run", "state", "home", "keys/default/HS256"]) {
    yield* fs.makeDirectory(at(name), { recursive: true })
  }
  yield* Machine.writePair(at("server"), certificates.server)
  yield* fs.writeFileString(at("ca.pem"), certificates.ca)
  yield* Machine.maildir(at("Maildir"), owner)
  yield* Machine.run("chown", [`${owner}:`, at("home")])
  yield* fs.writeFileString(at("keys/default/HS256/default"), Buffer.from(secret).toString("base64"))
  yield* fs.writeFileString(
    at("oauth2.conf"),
    `introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=${at("keys/")}\nusername_attribute = sub\n`
  )
  yield* fs.writeFileString(at("users"), `${user}:{PLAIN}${password}\n`)
  yield* fs.writeFileString(
    at("dovecot.conf"),
    configuration({ at, domain, lmtpPort, relayPort, submissionPort, user })
  )
  yield* Machine.daemon("dovecot", ["-F", "-c", at("dovecot.conf")], at("log"))
  yield* Machine.listening([lmtpPort, submissionPort], at("log"))
  return DovecotServer.of({
    host,
    lmtpPort,
    lmtpMaildir: at("Maildir"),
    submissionPort,
    certificates,
    user,
    password,
    token: jsonWebToken(secret, user, Math.floor((yield* Clock.currentTimeMillis) / 1000)),
    domain
  })
})

export const layer = Layer.effect(DovecotServer, make)

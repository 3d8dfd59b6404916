/**
 * Postfix: a whole instance (master, smtpd, cleanup, qmgr, virtual) in a folder of its own, for the length of a scope.
 * One port speaks in the plain and offers STARTTLS, the other is TLS from the start; users log in by Cyrus SASL.
 *
 * It takes every local part of `domain` into one Maildir, and as it came: no header field is added or rewritten but the
 * trace fields. Other domains are refused to those who have not logged in. `refused@` and `later@` are refused.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import { type Certificates, certificates } from "../node/certificates.ts"
import * as Machine from "./Machine.ts"

export class PostfixServer extends Context.Service<PostfixServer, {
  readonly host: string
  /** In the plain, with STARTTLS. */
  readonly port: number
  /** TLS from the start. */
  readonly tlsPort: number
  readonly certificates: Certificates
  readonly user: string
  readonly password: string
  readonly domain: string
  readonly maildir: string
}>()("@colloquy/test/servers/PostfixServer") {}

const domain = "mail.test"
const user = "ann"
const password = "pencil-and-paper"
const mechanisms = "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"

const main = (
  at: (name: string) => string,
  id: { uid: string; gid: string },
  sizeLimit: number
) => `
compatibility_level = 3.6
queue_directory = ${at("queue")}
data_directory = ${at("data")}
maillog_file = ${at("log")}
maillog_file_prefixes = ${at("")}
myhostname = mx.${domain}
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = ${Machine.host}
inet_protocols = ipv4
mynetworks =
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
default_transport = error:5.1.2 nothing leaves this machine
relay_transport = error:5.1.2 nothing leaves this machine
virtual_mailbox_domains = ${domain}
virtual_mailbox_base = ${at("")}
virtual_mailbox_maps = static:Maildir/
virtual_uid_maps = static:${id.uid}
virtual_gid_maps = static:${id.gid}
virtual_minimum_uid = 1
local_header_rewrite_clients =
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${at("server.pem")}
smtpd_tls_key_file = ${at("server-key.pem")}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = ${domain}
smtpd_sasl_security_options = noanonymous
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access pcre:${at("etc/recipients.pcre")}
smtpd_forbid_bare_newline = reject
message_size_limit = ${sizeLimit}
`

const master = (port: number, tlsPort: number) => `
${Machine.host}:${port} inet n - n - - smtpd
${Machine.host}:${tlsPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`

const recipients = `
/^refused@/ 550 5.1.1 No such user here
/^later@/ 450 4.2.1 The mailbox is busy
`

/** `pwcheck_method: auxprop` reads clear-text passwords, which the challenge mechanisms need. */
const sasl = (at: (name: string) => string) => `
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: ${at("etc/sasl/sasldb2")}
mech_list: ${mechanisms}
`

const make = Effect.fnUntraced(function*(sizeLimit: number) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  yield* Machine.packages("openssl", "postfix", "postfix-pcre", "sasl2-bin", "libsasl2-modules", "libsasl2-modules-db")
  const folder = yield* Machine.folder("postfix")
  const at = (name: string) => path.join(folder, name)
  yield* Machine.writePair(at("server"), certificates().server)
  const port = yield* Machine.freePort
  const tlsPort = yield* Machine.freePort
  const id = {
    uid: (yield* Machine.run("id", ["-u", "postfix"])).trim(),
    gid: (yield* Machine.run("id", ["-g", "postfix"])).trim()
  }
  for (const name of ["etc/sasl", "queue", "data"]) yield* fs.makeDirectory(at(name), { recursive: true })
  yield* Machine.maildir(at("Maildir"), "postfix")
  yield* fs.writeFileString(at("etc/main.cf"), main(at, id, sizeLimit))
  yield* fs.writeFileString(at("etc/master.cf"), master(port, tlsPort))
  yield* fs.writeFileString(at("etc/recipients.pcre"), recipients)
  // Debian's Postfix looks for the settings of SASL beside its own, whatever cyrus_sasl_config_path says.
  yield* fs.writeFileString(at("etc/sasl/smtpd.conf"), sasl(at))
  yield* Machine.run("saslpasswd2", ["-p", "-c", "-f", at("etc/sasl/sasldb2"), "-u", domain, user], { stdin: password })
  yield* Machine.run("chown", ["postfix:", at("data"), at("etc/sasl/sasldb2")])

  yield* Effect.acquireRelease(
    Machine.run("postfix", ["-c", at("etc"), "start"]),
    () => Effect.ignore(Machine.run("postfix", ["-c", at("etc"), "stop"]), { log: "Warn" })
  )
  yield* Machine.listening([port, tlsPort], at("log"))
  return PostfixServer.of({
    host: Machine.host,
    port,
    tlsPort,
    certificates: certificates(),
    user,
    password,
    domain,
    maildir: at("Maildir")
  })
})

/** It takes messages of Postfix's own limit, 10,240,000 octets. */
export const layer = Layer.effect(PostfixServer, make(10_240_000))

/** It takes messages of 50 MB. */
export const layerLarge = Layer.effect(PostfixServer, make(50_000_000))

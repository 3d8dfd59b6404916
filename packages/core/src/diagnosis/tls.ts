/** TLS: the wrong mode for the port, STARTTLS missing or refused, certificates. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "tls/plain-server-on-tls-port",
    when: [{ kind: ["TlsFailed/PlainServerOnTlsPort"] }],
    what: "The client spoke TLS from the first octet, and the server on this port starts in plain text.",
    causes: ["TLS is set to implicit for a port that uses STARTTLS (587, 25)"],
    todo: ["set TLS to required (STARTTLS) for port 587", "or use port 465 with implicit TLS"],
    retryAfter: "never",
    sources: [source.rfc8314]
  },
  {
    id: "tls/tls-server-on-plain-port",
    when: [{ kind: ["TlsFailed/TlsServerOnPlainPort"] }],
    what: "The server on this port speaks TLS from the first octet, and the client began in plain text.",
    causes: ["TLS is set to STARTTLS or none for a port with implicit TLS (465)"],
    todo: ["set TLS to implicit", "or use port 587 with STARTTLS"],
    retryAfter: "never",
    sources: [source.rfc8314]
  },
  {
    id: "tls/injected",
    when: [{ kind: ["TlsFailed/PlaintextInjected"] }],
    what:
      "Plain text came behind the reply to STARTTLS, before TLS: somebody between the two ends may have put it there.",
    causes: ["an attack on the connection", "a broken server or proxy"],
    todo: ["do not send over this network until it is explained", "use implicit TLS on port 465"],
    ask: people.network,
    retryAfter: "never",
    sources: ["RFC 3207 §5", "CVE-2011-0411"]
  },
  {
    id: "tls/handshake",
    when: [{ kind: ["TlsFailed/Handshake"] }],
    what: "The TLS handshake failed.",
    causes: [
      "no TLS version or cipher in common",
      "a virus scanner or firewall interferes",
      "the server's TLS is broken",
      "in another program's log, which does not tell the two apart: the certificate was not accepted"
    ],
    todo: [
      "see which TLS versions the server speaks",
      "try from another network",
      "switch the scanner's mail check off"
    ],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 8446 §4.1.1"]
  },
  {
    id: "tls/handshake-timed-out",
    when: [{ kind: ["TimedOut/phase", "TimedOut/send"], phase: ["tls"] }],
    what: "The TLS handshake did not end in time: the server agreed to TLS and then said nothing more.",
    causes: [
      "a firewall or virus scanner lets the dialogue pass and swallows TLS",
      "the server is overloaded, or its TLS hangs",
      "packets of full size do not get through (MTU)"
    ],
    todo: [
      "try from another network",
      "use port 465 with implicit TLS",
      "allow more time (timeLimits.starttls)"
    ],
    ask: people.network,
    retryAfter: "seconds",
    sources: [source.rfc3207, "RFC 8446 §4"]
  },
  {
    id: "tls/certificate-expired",
    when: [{ kind: ["CertificateRejected"], words: ["expired", "not valid before", "not yet valid"] }, {
      kind: ["CertificateRejected"],
      tokens: ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]
    }],
    what: "The server's certificate is out of date, or not valid yet.",
    causes: ["the certificate was not renewed", "this machine's clock is wrong"],
    todo: ["check this machine's clock", "have the certificate renewed"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: ["RFC 5280 §4.1.2.5"]
  },
  {
    id: "tls/certificate-name",
    when: [{
      kind: ["CertificateRejected"],
      words: ["certificate is for", "not for", "does match", "doesn match", "did match"]
    }, {
      kind: ["CertificateRejected"],
      tokens: ["ERR_TLS_CERT_ALTNAME_INVALID", "altnames"]
    }],
    what: "The server's certificate is for another name than the host that was dialled.",
    causes: [
      "the host is an alias or an IP address that the certificate does not name (shared hosting)",
      "the connection ended at another machine: a captive portal, a virus scanner, an attack"
    ],
    todo: [
      "dial a name that the certificate has",
      "or set tls.servername to it",
      "ask for a certificate with the right name"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 9525"]
  },
  {
    id: "tls/certificate-untrusted",
    when: [{ kind: ["CertificateRejected"] }],
    what: "The server's certificate is not vouched for by anybody this machine trusts.",
    causes: [
      "the certificate is the server's own (self-signed), or of a company's own authority",
      "the server does not send the certificates in between",
      "a virus scanner or proxy put in its own"
    ],
    todo: [
      "give the authority's certificate with tls: { ca }, or the key with tls: { pin }",
      "have the server send its whole chain"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5280 §6"]
  },
  {
    id: "tls/not-offered",
    when: [{ kind: ["TlsUnavailable"] }],
    what: "TLS is required, and the server does not offer STARTTLS.",
    causes: [
      "this port has no STARTTLS; the server has implicit TLS on 465",
      "a firewall strips STARTTLS from the dialogue (Cisco's inspection leaves XXXXXXXA)",
      "the server has no TLS at all"
    ],
    todo: [
      "use port 465 with implicit TLS",
      "switch the firewall's SMTP inspection off",
      "only in a network of your own: acceptUnsecureConnection"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 3207 §4", source.rfc8314]
  },
  {
    id: "tls/starttls-refused",
    when: [{ phase: ["starttls"] }],
    what: "The server offers STARTTLS and then refused it.",
    causes: ["the server's certificate or key is missing or broken", "the server is short of something for the moment"],
    todo: ["try again later", "use port 465 with implicit TLS", "tell the administrator: TLS is broken there"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: ["RFC 3207 §4"]
  },
  {
    id: "tls/starttls-first",
    when: [
      {
        phase: ["auth", "mail", "rcpt", "ehlo"],
        code: [530],
        enhanced: ["5.7.0"],
        secured: false,
        words: ["starttls"]
      },
      {
        code: [530, 451, 550, 554, 538],
        words: ["issue starttls", "starttls first", "starttls required", "use starttls"]
      }
    ],
    what: "The server wants TLS first: the client went on in plain text.",
    causes: [
      "TLS is off in the client's settings",
      "STARTTLS was hidden by a firewall, and the client went on without"
    ],
    todo: ["set TLS to required (port 587) or implicit (port 465)"],
    retryAfter: "never",
    sources: [source.google, source.postfixServer, "RFC 3207 §4"]
  },
  {
    id: "tls/encryption-needed-for-auth",
    when: [{ phase: ["auth"], code: [538] }, { phase: ["auth"], enhanced: ["5.7.11"] }, {
      phase: ["auth"],
      code: [5],
      secured: false,
      words: [
        "encryption required",
        "tls required",
        "requires tls",
        "requires encryption",
        "insecure",
        "without ssl",
        "secure connection"
      ]
    }],
    what: "The server takes this login only over TLS.",
    causes: ["TLS is off in the client's settings"],
    todo: ["set TLS to required (port 587) or implicit (port 465)"],
    retryAfter: "never",
    sources: [source.rfc4954]
  },
  {
    id: "tls/required-by-recipient",
    when: [
      {
        code: [4, 5],
        phase: ["mail", "rcpt", "data", "verdict"],
        enhanced: ["*.7.10", "*.7.29"]
      },
      { provider: ["google"], enhanced: ["4.7.0", "5.7.0", "4.7.29", "5.7.29"], words: ["tls required"] },
      {
        enhanced: ["5.7.30"],
        code: [550],
        words: ["requiretls"]
      }
    ],
    what: "The recipient's side takes mail only over TLS.",
    causes: ["the connection was not encrypted", "REQUIRETLS could not be kept on the next leg"],
    todo: ["set TLS to required or implicit"],
    retryAfter: "never",
    sources: [source.google, "RFC 8689 §4", source.iana]
  },
  {
    id: "tls/dane-or-mta-sts",
    when: [{
      enhanced: ["*.7.5", "*.7.320", "*.7.321", "*.7.322", "*.7.323", "*.7.324", "*.7.325"],
      words: ["dane", "tlsa", "dnssec", "sts", "starttls", "certificate"]
    }],
    what: "The next server's TLS does not fit what its domain promises (DANE, MTA-STS).",
    causes: ["the recipient's domain has a wrong TLSA record or policy", "an expired or wrong certificate there"],
    todo: ["tell the recipient's postmaster", "try again later"],
    ask: people.postmaster,
    retryAfter: "hours",
    sources: [source.ndr, "RFC 8461 §5", "RFC 7672"]
  }
]

/** Trouble of the server's own: out of order, out of space, shutting down, misconfigured, out of step. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "server/storage",
    when: [{ code: [452, 451, 431, 421, 552], enhanced: ["*.3.1"] }, {
      code: [452, 451, 431, 421],
      words: [
        "insufficient system",
        "disk full",
        "insufficient storage",
        "system storage",
        "queue full",
        "out of disk",
        "no space",
        "insufficient disk"
      ]
    }],
    what: "The server is short of space or memory.",
    causes: ["a full disk", "a full queue", "Exchange's back pressure"],
    todo: ["send again later", "tell the administrator"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: [source.rfc3463, source.postfixServer, source.exchange]
  },
  {
    id: "server/shutting-down",
    when: [{
      code: [421],
      words: ["shutting down", "shutdown", "closing transmission", "service shutting", "restart*", "maintenance"]
    }, { code: [421], phase: ["greeting", "ehlo"], enhanced: ["4.3.2"] }],
    what: "The server is closing: it restarts, or is being worked on.",
    causes: ["maintenance", "a restart"],
    todo: ["send again in some minutes"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: [source.rfc5321, source.rfc3463]
  },
  {
    id: "server/idle",
    when: [
      {
        code: [421, 451],
        words: ["timeout", "timed out", "idle", "inactiv*", "waiting for data", "waiting client"]
      },
      { code: [421, 451], enhanced: ["4.4.2"], words: ["timeout", "timed out", "idle"] },
      { code: [421, 451], enhanced: ["4.4.2"] }
    ],
    what: "The server waited for the client and gave up.",
    causes: [
      "the session was idle",
      "the network lost what the client sent",
      "the program was slow to give the content"
    ],
    todo: ["send again", "see in the log which side was silent, and for how long"],
    ask: people.network,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.5.3.2", source.postfixServer]
  },
  {
    id: "server/misconfigured",
    when: [{ code: [4, 5], enhanced: ["*.3.5"] }, {
      code: [451, 454, 550, 554],
      words: ["server configuration", "configuration error", "configuration problem", "local error", "local problem"]
    }],
    what: "The server is configured wrongly, and says so itself.",
    causes: ["a fault in the server's configuration, or a service that it needs is down"],
    todo: ["tell the administrator", "send again later"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: [source.rfc3463, source.postfix]
  },
  {
    id: "server/next-hop",
    when: [{
      code: [4, 5],
      enhanced: [
        "4.4.1",
        "4.4.2",
        "4.4.0",
        "4.4.3",
        "4.4.7",
        "5.4.7",
        "4.4.316",
        "5.4.316",
        "4.4.317",
        "5.4.300",
        "5.4.1"
      ],
      words: ["connect*", "timed out", "lookup", "dns", "host", "expired", "unreachable", "no answer"],
      without: ["recipient address rejected"]
    }],
    what: "The server could not reach the next one.",
    causes: ["the next server is down or refuses", "DNS trouble at the server's side"],
    todo: ["send again later", "tell the server's administrator"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: [source.rfc3463, source.ndr]
  },
  {
    id: "server/tls-not-available",
    when: [{ code: [454], words: ["tls not available", "tls unavailable"] }],
    what: "The server's TLS is out of order.",
    causes: ["its certificate or key is missing or broken"],
    todo: ["tell the administrator", "try port 465"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: ["RFC 3207 §4", source.postfixServer]
  },
  {
    id: "server/out-of-step",
    when: [{ code: [503], phase: ["mail", "rcpt", "data", "content", "verdict", "rset", "starttls"] }, {
      code: [503],
      enhanced: ["5.5.1"]
    }],
    what: "The server had not expected this command at this point.",
    causes: [
      "a command before it was refused",
      "client and server are out of step",
      "the server wants a login or EHLO first"
    ],
    todo: ["look at the commands before this one in the log", "see whether the server wants a login first"],
    ask: people.developer,
    retryAfter: "never",
    sources: ["RFC 5321 §4.1.4"]
  },
  {
    id: "server/command-unknown",
    when: [{ code: [500, 502, 504] }, { code: [5], enhanced: ["5.5.1", "5.5.2", "5.5.4"] }],
    what: "The server does not know this command, or not like this.",
    causes: [
      "the server lacks the extension",
      "a firewall rewrites commands (XXXX in the log)",
      "a line was malformed"
    ],
    todo: ["look at the command in the log", "switch the firewall's SMTP inspection off"],
    ask: people.developer,
    retryAfter: "never",
    sources: ["RFC 5321 §4.2.4", source.rfc3463]
  },
  {
    id: "server/no-service",
    when: [{
      code: [521, 554],
      phase: ["greeting"],
      words: ["no smtp service", "not accept mail", "does accept mail", "no service"]
    }, { code: [521] }],
    what: "This machine takes no mail.",
    causes: ["wrong host", "the machine sends only", "it refuses this client"],
    todo: ["check the host", "use your provider's server"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 7504 §3"]
  },
  {
    id: "server/busy-at-greeting",
    when: [{ phase: ["greeting"], code: [4] }],
    what: "The server does not take new connections just now.",
    causes: [
      "it is overloaded or restarts",
      "too many connections from this address",
      "the address has a poor reputation"
    ],
    todo: ["send again in some minutes", "open fewer connections"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §3.1", source.rfc3463]
  },
  {
    id: "server/closing",
    when: [{ code: [421] }],
    what: "The server ended the session.",
    causes: ["it is overloaded or restarts", "too much from this client"],
    todo: ["send again in some minutes"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §3.8"]
  },
  {
    id: "server/temporary",
    when: [{ code: [450, 451, 452] }, { code: [4], enhanced: ["4.3.0", "4.3.2", "4.3.3"] }, {
      code: [450, 451, 452],
      enhanced: ["4.3.*", "4.4.*"]
    }, { code: [4], words: ["temporary server error", "internal error", "internal server error", "local problem"] }],
    what: "The server has a trouble of its own just now.",
    causes: ["a check or a data base of the server does not answer", "it is overloaded"],
    todo: ["send again in some minutes", "tell the administrator if it lasts"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.2.1", source.rfc3463]
  },
  {
    id: "server/client-configuration",
    when: [{ kind: ["InvalidConfiguration"] }],
    what: "The transporter's own settings contradict each other or are out of range; nothing was tried.",
    causes: ["see the failure's own words"],
    todo: ["correct the option that it names"],
    ask: people.developer,
    retryAfter: "never",
    sources: ["Colloquy, Transporter.Options"]
  },
  {
    id: "server/transporter-closed",
    when: [{ kind: ["TransporterClosed"] }],
    what: "The transporter was closed already when the message was given to it.",
    causes: ["the program ends, or sends outside of the transporter's scope"],
    todo: ["send while the layer of the transporter is alive"],
    ask: people.developer,
    retryAfter: "never",
    sources: ["Colloquy, Transporter"]
  }
]

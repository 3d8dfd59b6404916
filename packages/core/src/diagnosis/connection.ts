/** Before anything was said, and connections that ended: names, ports, firewalls, proxies, silence. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "connection/host-not-found",
    when: [{ kind: ["ConnectionFailed/HostNotFound"] }],
    what: "The server's name could not be found, so there was nobody to connect to.",
    causes: ["the host's name is misspelt", "the machine's name server does not answer, or does not know the name"],
    todo: [
      "check the spelling of the host",
      "look the name up on the same machine",
      "check the machine's DNS settings"
    ],
    ask: people.network,
    retryAfter: "seconds",
    sources: ["RFC 5321 §5.1"]
  },
  {
    id: "connection/refused",
    when: [{ kind: ["ConnectionFailed/Refused"] }],
    what:
      "The machine was reached, and it refused the connection: nothing listens on that port, or a firewall says so.",
    causes: ["wrong port", "wrong host", "the mail server is not running", "a firewall or a virus scanner refuses"],
    todo: ["try the ports for submission, 587 and 465", "check the host", "see whether the server runs"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: [source.rfc8314]
  },
  {
    id: "connection/unreachable",
    when: [{ kind: ["ConnectionFailed/Unreachable"] }],
    what: "No answer came from the server's address: the way there is closed.",
    causes: [
      "a firewall or the hosting company drops the packets",
      "the server is down",
      "the address is of a kind that this machine cannot reach (IPv6 without a route)"
    ],
    todo: [
      "try the same host and port from another network",
      "let the firewall pass outgoing connections to this port",
      "try another port: 587, 465, or the provider's alternative"
    ],
    ask: people.network,
    retryAfter: "seconds",
    sources: ["RFC 8305"]
  },
  {
    id: "connection/port-25-blocked",
    when: [{ kind: ["ConnectionFailed/Unreachable", "TimedOut/phase"], phase: ["connect"], port: [25] }],
    what: "Port 25 gave no answer. Most access and hosting providers block it for their customers.",
    causes: ["port 25 is blocked on the way out", "the server is down"],
    todo: ["use port 587 or 465 and a login", "ask the hosting provider to open port 25, if mail must go out directly"],
    ask: people.network,
    retryAfter: "never",
    sources: ["RFC 5068 §3.1", "RFC 6409"]
  },
  {
    id: "connection/proxy",
    when: [{ kind: ["ConnectionFailed/Proxy"] }],
    what: "The proxy did not let the connection through.",
    causes: ["the proxy wants a login, or another one", "the proxy does not allow this port"],
    todo: ["check the proxy's address and login", "have the proxy allow the mail server's port"],
    ask: people.network,
    retryAfter: "never",
    sources: ["RFC 1928 §6", "RFC 9110 §9.3.6"]
  },
  {
    id: "connection/failed",
    when: [{ kind: ["ConnectionFailed/Other"] }],
    what: "No connection came about.",
    causes: ["the operating system refused to dial, see the failure's own words"],
    todo: ["read the failure's own words in the evidence", "check host and port"],
    ask: people.network,
    retryAfter: "seconds",
    sources: ["POSIX connect(2)"]
  },
  {
    id: "connection/silent-connect",
    when: [{ kind: ["TimedOut/phase", "TimedOut/send"], phase: ["connect"] }],
    what: "The connection did not come about in time.",
    causes: ["a firewall drops the packets", "the server is down or overloaded", "the port is wrong"],
    todo: ["try from another network", "check host and port", "let the firewall pass this port"],
    ask: people.network,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.5.3.2"]
  },
  {
    id: "connection/no-greeting",
    when: [{ kind: ["TimedOut/phase", "TimedOut/send"], phase: ["greeting"] }],
    what: "The server took the connection and did not say a word.",
    causes: [
      "the port speaks TLS from the first octet and the client waits in plain text",
      "the server delays its greeting, to put off spammers, or because it is overloaded",
      "something between the two swallows the dialogue"
    ],
    todo: ["on port 465, set TLS to implicit", "allow more time for the greeting", "try port 587"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: [source.rfc8314, "RFC 5321 §4.5.3.2.1"]
  },
  {
    id: "connection/no-greeting-465",
    when: [
      { kind: ["TimedOut/phase", "TimedOut/send"], phase: ["greeting"], port: [465] },
      { kind: ["ConnectionLost/Closed", "ConnectionLost/Reset"], phase: ["greeting"], port: [465], secured: false }
    ],
    what: "Port 465 speaks TLS from the first octet, and the client waited for a greeting in plain text.",
    causes: ["TLS is set to STARTTLS or none for port 465"],
    todo: ["set TLS to implicit for port 465", "or use port 587 with STARTTLS"],
    retryAfter: "never",
    sources: [source.rfc8314]
  },
  {
    id: "connection/lost-at-greeting",
    when: [{ kind: ["ConnectionLost/Closed", "ConnectionLost/Reset"], phase: ["greeting", "connect"] }],
    what: "The server ended the connection before it greeted.",
    causes: [
      "the server, or a firewall before it, does not want this client's address",
      "the port speaks TLS from the first octet",
      "too many connections from this address"
    ],
    todo: ["check port and TLS mode", "wait, and open fewer connections", "ask whether the address is blocked"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §3.1"]
  },
  {
    id: "connection/lost-after-content",
    when: [{
      kind: ["ConnectionLost/Closed", "ConnectionLost/Reset", "TimedOut/phase", "TimedOut/send"],
      phase: ["verdict"]
    }],
    what:
      "The whole message was sent, and the server's verdict did not come: the connection broke, or the time passed. The message may have been delivered.",
    causes: [
      "the server takes long to check the message",
      "the network broke at the worst moment",
      "a virus scanner in between"
    ],
    todo: [
      "do not send it again without asking: it may arrive twice",
      "look for the message at the recipient, or for its Message-ID in the server's log",
      "wait longer for the verdict: RFC 5321 asks for ten minutes"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5321 §4.5.3.2.6", "RFC 1047"]
  },
  {
    id: "connection/content-not-taken",
    when: [{ kind: ["TimedOut/phase", "TimedOut/send"], phase: ["content"] }],
    what: "The server stopped taking the message before all of it was sent, and the time passed. It was not delivered.",
    causes: [
      "packets of full size do not get through (MTU), or a firewall, VPN or virus scanner holds the message back",
      "the server is overloaded",
      "the line is too slow for the message"
    ],
    todo: ["try a small message", "try from another network", "allow more time (timeLimits)"],
    ask: people.network,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.5.3.2.5"]
  },
  {
    id: "connection/data-not-answered",
    when: [{ kind: ["TimedOut/phase"], phase: ["data"] }],
    what:
      "The server took sender and recipients, and did not answer DATA in time. Nothing of the message was sent, and it was not delivered.",
    causes: [
      "the server checks something slow before it takes the message (a filter, a block list, another server)",
      "the server is overloaded",
      "a firewall or virus scanner in between waits for something else"
    ],
    todo: ["send again later", "try from another network", "allow more time (timeLimits.data)"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.5.3.2.4"]
  },
  {
    id: "connection/lost-in-content",
    when: [{ kind: ["ConnectionLost/Closed", "ConnectionLost/Reset"], phase: ["content"] }],
    what: "The connection broke while the message was being sent. It was not delivered.",
    causes: [
      "the server found the message too large or unwanted and hung up",
      "a firewall, VPN or virus scanner cut the connection",
      "packets of full size do not get through (MTU)"
    ],
    todo: ["try a small message", "try from another network", "compare the size with the SIZE of the EHLO reply"],
    ask: people.network,
    retryAfter: "seconds",
    sources: ["RFC 5321 §3.8"]
  },
  {
    id: "connection/lost-at-auth",
    when: [{ kind: ["ConnectionLost/Closed", "ConnectionLost/Reset", "TimedOut/phase"], phase: ["auth"] }],
    what: "The server ended the connection, or fell silent, in the middle of the login instead of answering.",
    causes: ["the server blocks this address after failed logins", "the server's password check is broken"],
    todo: ["check user and password", "wait, and try once", "ask whether the address is blocked"],
    ask: people.administrator,
    retryAfter: "hours",
    sources: ["RFC 4954 §4"]
  },
  {
    id: "connection/lost-at-tls",
    when: [{ kind: ["ConnectionLost/Closed", "ConnectionLost/Reset"], phase: ["tls", "starttls"] }],
    what: "The connection ended during the TLS handshake.",
    causes: ["the two ends have no TLS version or cipher in common", "a firewall or virus scanner interferes with TLS"],
    todo: ["try from another network", "see which TLS versions the server speaks (1.2 is the least we speak)"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: [source.rfc3207, "RFC 8446 §4.1.1"]
  },
  {
    id: "connection/lost",
    when: [{ kind: ["ConnectionLost/Closed", "ConnectionLost/Reset"] }],
    what: "The connection ended in the middle of the dialogue.",
    causes: ["the server or a firewall in between hung up", "the network broke", "the server restarted"],
    todo: ["send again", "if it happens always at the same place, ask with these lines in hand"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §3.8"]
  },
  {
    id: "connection/timed-out",
    when: [{ kind: ["TimedOut/phase"] }],
    what: "The server did not answer in time.",
    causes: [
      "the server is overloaded, or checks something slow (DNS, block lists)",
      "the network lost the connection"
    ],
    todo: ["send again later", "allow more time (timeLimits)"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.5.3.2"]
  },
  {
    id: "connection/send-timed-out",
    when: [{ kind: ["TimedOut/send"] }],
    what: "The time for the whole send passed (sendTimeOut) before the message was handed over.",
    causes: ["all sessions were busy", "the server is slow", "the limit is short"],
    todo: ["see which wait took the time", "allow more time (sendTimeOut) or more sessions"],
    retryAfter: "seconds",
    sources: ["Colloquy, option sendTimeOut"]
  },
  {
    id: "connection/mixed-codes",
    when: [{ kind: ["ProtocolViolation"], words: ["different codes"] }],
    what:
      "The lines of one reply had different codes, so nobody knows whether it was a yes or a no, and the session was closed.",
    causes: [
      "two replies ran into each other: a proxy, firewall or virus scanner puts its own between the server's",
      "the server is broken"
    ],
    todo: ["read both codes in the evidence", "try from another network", "tell the administrator"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.2.1"]
  },
  {
    id: "connection/unasked-reply",
    when: [{ kind: ["ProtocolViolation"], words: ["nothing waits for"] }],
    what:
      "The server sent a reply that nothing had asked for, so the two were out of step, and the session was closed.",
    causes: ["a proxy, firewall or virus scanner puts its own replies in between", "the server is broken"],
    todo: ["read what it said in the evidence", "try from another network", "tell the administrator"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: [source.rfc5321]
  },
  {
    id: "connection/endless-reply",
    when: [{ kind: ["LimitExceeded"], tokens: ["replyLine", "replyLines", "reply", "ehloKeywords"] }],
    what: "The server's reply went on and on, far beyond what a reply may be, and the session was closed.",
    causes: [
      "something else than a mail server listens there",
      "the server is broken, or wants to keep the client busy"
    ],
    todo: ["read how it begins in the evidence", "check host and port"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.5.3.1.5"]
  },
  {
    id: "connection/protocol-violation",
    when: [{ kind: ["ProtocolViolation"] }, { kind: ["LimitExceeded"] }],
    what: "What came from the other end was not SMTP as it should be, so the session was closed.",
    causes: [
      "something else than a mail server listens there",
      "a proxy or firewall rewrites the dialogue",
      "the server is broken"
    ],
    todo: ["read what it said in the evidence", "check host and port", "try from another network"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: [source.rfc5321]
  }
]
